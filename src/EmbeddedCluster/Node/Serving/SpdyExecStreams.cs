using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Serving.Spdy;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>Exec over SPDY: the client opens one stream each for error, stdin, stdout, stderr and resize, as the request says.</summary>
internal sealed class SpdyExecStreams : ExecStreams
{
    /// <summary>The protocol of the streams (v4 ends with a Status on the error stream).</summary>
    public const string Protocol = "v4.channel.k8s.io";

    private readonly Dictionary<string, TaskCompletionSource<SpdyStream>> _expected;

    /// <summary>Expects the streams that the request names.</summary>
    public SpdyExecStreams(IEnumerable<string> streamTypes) =>
        _expected = streamTypes.ToDictionary(type => type, _ => new TaskCompletionSource<SpdyStream>(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Takes a stream that the client has opened.</summary>
    public void Add(SpdyStream stream)
    {
        var type = stream.Headers.GetValueOrDefault("streamtype", "");
        if (!_expected.TryGetValue(type, out var expected) || !expected.TrySetResult(stream)) return;
        if (type == "stdin") _ = PumpInputAsync(stream);
        if (type == "resize") _ = PumpSizesAsync(stream);
    }

    /// <summary>Completes when all expected streams are open.</summary>
    public Task WhenOpenAsync(CancellationToken cancel) => Task.WhenAll(_expected.Values.Select(stream => stream.Task)).WaitAsync(TimeSpan.FromSeconds(30), cancel);

    /// <inheritdoc/>
    public override Task WriteAsync(ExecOutput output, ReadOnlyMemory<byte> bytes, CancellationToken cancel) =>
        _expected.TryGetValue(output == ExecOutput.Standard ? "stdout" : "stderr", out var stream) ? stream.Task.Result.WriteAsync(bytes, cancel) : Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task FinishAsync(JsonObject status, CancellationToken cancel)
    {
        try
        {
            await _expected["error"].Task.Result.WriteAsync(Encoding.UTF8.GetBytes(status.ToJsonString()), cancel);
            foreach (var (type, stream) in _expected)
                if (type is "stdout" or "stderr" or "error") await stream.Task.Result.CloseAsync(cancel);
        }
        catch (IOException)
        {
            // Nobody is there to be told.
        }
    }

    private async Task PumpInputAsync(SpdyStream stream)
    {
        await foreach (var bytes in stream.Input.ReadAllAsync()) await Input.Writer.WriteAsync(bytes);
        Input.Writer.TryComplete();
    }

    private async Task PumpSizesAsync(SpdyStream stream)
    {
        // Each size is a JSON object on a line of its own (Go's encoder), and in practice a frame of its own.
        await foreach (var bytes in stream.Input.ReadAllAsync()) ReadSize(bytes.Span);
    }
}
