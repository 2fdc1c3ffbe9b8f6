using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Filters.Network;

/// <summary>
/// One step in front of what serves a connection. One object serves all connections of a chain on all workers. Never blocks; what takes
/// time is awaited on the worker's own awaitables.
/// </summary>
internal interface INetworkFilter
{
    /// <summary>The connection is there and its chain is chosen; nothing of it has been read but for inspection. False closes it.</summary>
    ValueTask<bool> OnConnectedAsync(DownstreamConnection connection) => new(true);

    /// <summary>
    /// The client's first bytes are there, or its end; what the upstream says first has gone to the client already. False closes the
    /// connection.
    /// </summary>
    ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info);

    /// <summary>A connection that was passed on as bytes is over; before it is logged.</summary>
    void OnEnd(DownstreamConnection connection, StreamInfo info)
    {
    }

    /// <summary>A connection that the filter was told of is closed, however it ended.</summary>
    void OnClosed(DownstreamConnection connection)
    {
    }
}
