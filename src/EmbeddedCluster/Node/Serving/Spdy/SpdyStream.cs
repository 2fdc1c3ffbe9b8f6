using System.Threading.Channels;

namespace Lateen.EmbeddedCluster.Node.Serving.Spdy;

/// <summary>One stream that the client has opened. The connection's reader fills it; one other party reads and writes it.</summary>
internal sealed class SpdyStream(SpdyConnection connection, int id, IReadOnlyDictionary<string, string> headers)
{
    private readonly Channel<ReadOnlyMemory<byte>> _input = Channel.CreateBounded<ReadOnlyMemory<byte>>(64);

    /// <summary>Odd, since the client opened it.</summary>
    public int Id { get; } = id;

    /// <summary>Headers by lower-case name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; } = headers;

    /// <summary>What the client sends; completes when it has sent all.</summary>
    public ChannelReader<ReadOnlyMemory<byte>> Input => _input.Reader;

    /// <summary>Sends bytes.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => connection.WriteDataAsync(Id, bytes, last: false, cancel);

    /// <summary>Says that no more bytes come.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public Task CloseAsync(CancellationToken cancel) => connection.WriteDataAsync(Id, ReadOnlyMemory<byte>.Empty, last: true, cancel);

    /// <summary>Called by the connection's reader; waits while the other party is slow, and with it the whole connection.</summary>
    internal ValueTask ReceiveAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => _input.Writer.WriteAsync(bytes, cancel);

    /// <summary>Called by the connection's reader.</summary>
    internal void EndInput() => _input.Writer.TryComplete();
}
