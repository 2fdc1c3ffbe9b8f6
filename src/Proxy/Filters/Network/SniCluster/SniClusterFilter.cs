using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Filters.Network.SniCluster;

/// <summary>Sends a connection to the cluster of the name that its client asked for by TLS. Immutable. Source: Envoy's SNI cluster filter.</summary>
internal sealed class SniClusterFilter : INetworkFilter
{
    public ValueTask<bool> OnConnectedAsync(DownstreamConnection connection)
    {
        if (connection.ServerName.Length > 0) connection.Cluster = connection.ServerName;
        return new ValueTask<bool>(true);
    }

    public ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info) => new(true);
}
