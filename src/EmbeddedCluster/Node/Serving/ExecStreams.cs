using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>The output streams of a program.</summary>
internal enum ExecOutput
{
    /// <summary>Standard output; with a terminal, all output.</summary>
    Standard = 1,

    /// <summary>Standard error.</summary>
    Error = 2,
}

/// <summary>The client's end of an exec or attach session, whatever protocol carries it. Any thread may write.</summary>
internal abstract class ExecStreams
{
    /// <summary>What is typed; completes when the client says that it is all, or is gone.</summary>
    public Channel<ReadOnlyMemory<byte>> Input { get; } = Channel.CreateBounded<ReadOnlyMemory<byte>>(16);

    /// <summary>Sizes of the client's terminal.</summary>
    public Channel<(ushort Columns, ushort Rows)> Sizes { get; } = Channel.CreateUnbounded<(ushort, ushort)>();

    /// <summary>Cancelled when the client is gone.</summary>
    public CancellationTokenSource Gone { get; } = new();

    /// <summary>Sends output.</summary>
    /// <exception cref="IOException">The client is gone.</exception>
    public abstract Task WriteAsync(ExecOutput output, ReadOnlyMemory<byte> bytes, CancellationToken cancel);

    /// <summary>Says how the session ended; nothing more is sent.</summary>
    public abstract Task FinishAsync(JsonObject status, CancellationToken cancel);

    /// <summary>Reads a terminal size as clients send it: <c>{"Width":80,"Height":24}</c>.</summary>
    protected void ReadSize(ReadOnlySpan<byte> text)
    {
        try
        {
            if (JsonNode.Parse(text) is JsonObject size && size.NumberOf("Width") is { } width && size.NumberOf("Height") is { } height) Sizes.Writer.TryWrite(((ushort)width, (ushort)height));
        }
        catch (System.Text.Json.JsonException)
        {
            // A size that cannot be read changes nothing.
        }
    }
}
