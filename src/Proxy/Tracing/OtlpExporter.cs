using System.Buffers.Binary;
using Google.Protobuf;
using Lateen.Rpc;
using Microsoft.Extensions.Logging;
using Opentelemetry.Proto.Collector.Trace.V1;
using Opentelemetry.Proto.Common.V1;
using Opentelemetry.Proto.Resource.V1;
using Opentelemetry.Proto.Trace.V1;

namespace Lateen.Proxy.Tracing;

/// <summary>Sends spans to an OpenTelemetry collector, by gRPC or by HTTP. Any thread. Source: the OTLP specification.</summary>
internal sealed class OtlpExporter : ISpanExporter, IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly RpcMethod<ExportTraceServiceRequest, ExportTraceServiceResponse> Export = new(RpcKind.Unary, "opentelemetry.proto.collector.trace.v1.TraceService", "Export");
    private readonly BatchSender<FinishedSpan> _sender;
    private readonly Resource _resource;

    /// <summary>By gRPC.</summary>
    public OtlpExporter(Collector collector, Resource resource, ILogger log)
    {
        _resource = resource;
        _sender = new BatchSender<FinishedSpan>(Interval, (spans, cancel) => collector.CallAsync(Export, Request(spans), cancel), log);
    }

    /// <summary>By HTTP.</summary>
    public OtlpExporter(Collector collector, Resource resource, string path, string host, IReadOnlyList<(string, string)> headers, ILogger log)
    {
        _resource = resource;
        _sender = new BatchSender<FinishedSpan>(Interval, (spans, cancel) => collector.PostAsync(path, host, "application/x-protobuf", headers, Request(spans).ToByteArray(), cancel), log);
    }

    public void Add(FinishedSpan span) => _sender.Add(span);

    public ValueTask DisposeAsync() => _sender.DisposeAsync();

    private ExportTraceServiceRequest Request(IReadOnlyList<FinishedSpan> spans)
    {
        var scope = new ScopeSpans { Scope = new InstrumentationScope { Name = "envoy" } };
        foreach (var span in spans) scope.Spans.Add(Of(span));
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { Resource = _resource, ScopeSpans = { scope } } } };
    }

    private static Span Of(FinishedSpan finished)
    {
        var start = (ulong)(finished.StartUtc - DateTime.UnixEpoch).Ticks * 100;
        var span = new Span
        {
            TraceId = Bytes(finished.Context.TraceHigh, finished.Context.TraceLow),
            SpanId = Bytes(finished.Context.SpanId),
            ParentSpanId = finished.Context.ParentId != 0 ? Bytes(finished.Context.ParentId) : ByteString.Empty,
            Name = finished.Name,
            Kind = finished.IsClient ? Span.Types.SpanKind.Client : Span.Types.SpanKind.Server,
            StartTimeUnixNano = start,
            EndTimeUnixNano = start + (ulong)finished.Duration.Ticks * 100,
        };
        if (finished.IsError) span.Status = new Status { Code = Status.Types.StatusCode.Error };
        foreach (var (name, value) in finished.Tags) span.Attributes.Add(new KeyValue { Key = name, Value = new AnyValue { StringValue = value } });
        return span;
    }

    private static ByteString Bytes(params ReadOnlySpan<ulong> halves)
    {
        Span<byte> bytes = stackalloc byte[halves.Length * 8];
        for (var i = 0; i < halves.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(bytes[(i * 8)..], halves[i]);
        return ByteString.CopyFrom(bytes);
    }
}
