using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Lateen.Proxy.Tracing;

/// <summary>Sends spans to a Zipkin collector in its version 2 JSON. Any thread. Source: the Zipkin API, POST /api/v2/spans.</summary>
internal sealed class ZipkinExporter : ISpanExporter, IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly BatchSender<FinishedSpan> _sender;
    private readonly string _service;

    public ZipkinExporter(Collector collector, string path, string host, string service, Microsoft.Extensions.Logging.ILogger log)
    {
        _service = service;
        _sender = new BatchSender<FinishedSpan>(Interval, (spans, cancel) => collector.PostAsync(path, host, "application/json", [], Write(spans), cancel), log);
    }

    public void Add(FinishedSpan span) => _sender.Add(span);

    public ValueTask DisposeAsync() => _sender.DisposeAsync();

    private byte[] Write(IReadOnlyList<FinishedSpan> spans)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartArray();
            foreach (var span in spans) Write(json, span);
            json.WriteEndArray();
        }
        return output.WrittenSpan.ToArray();
    }

    private void Write(Utf8JsonWriter json, FinishedSpan span)
    {
        var context = span.Context;
        json.WriteStartObject();
        json.WriteString("traceId", (context.TraceHigh != 0 ? Hex(context.TraceHigh) : "") + Hex(context.TraceLow));
        json.WriteString("id", Hex(context.SpanId));
        if (context.ParentId != 0) json.WriteString("parentId", Hex(context.ParentId));
        json.WriteString("name", span.Name);
        json.WriteString("kind", span.IsClient ? "CLIENT" : "SERVER");
        json.WriteNumber("timestamp", (span.StartUtc - DateTime.UnixEpoch).Ticks / 10);
        json.WriteNumber("duration", Math.Max(1, span.Duration.Ticks / 10));
        if (span.IsShared) json.WriteBoolean("shared", true);
        json.WriteStartObject("localEndpoint");
        json.WriteString("serviceName", _service);
        json.WriteEndObject();
        json.WriteStartObject("tags");
        foreach (var (name, value) in span.Tags) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
