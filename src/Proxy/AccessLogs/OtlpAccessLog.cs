using System.Globalization;
using System.Text;
using Envoy.Extensions.AccessLoggers.OpenTelemetry.V3;
using Google.Protobuf;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Tracing;
using Lateen.Rpc;
using Opentelemetry.Proto.Collector.Logs.V1;
using Opentelemetry.Proto.Common.V1;
using Opentelemetry.Proto.Logs.V1;
using Opentelemetry.Proto.Resource.V1;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Log records for an OpenTelemetry collector, by gRPC or by HTTP. Immutable but for the sender. Source: the OTLP specification.</summary>
internal sealed class OtlpAccessLog : AccessLog
{
    private static readonly RpcMethod<ExportLogsServiceRequest, ExportLogsServiceResponse> Export = new(RpcKind.Unary, "opentelemetry.proto.collector.logs.v1.LogsService", "Export");
    private readonly FormatString? _body;
    private readonly (string Key, FormatString Value)[] _attributes;
    private readonly OtlpLogSender _sender;

    private OtlpAccessLog(FormatString? body, (string, FormatString)[] attributes, OtlpLogSender sender, LogFilter? filter)
        : base(filter) => (_body, _attributes, _sender) = (body, attributes, sender);

    public static OtlpAccessLog Compile(OpenTelemetryAccessLogConfig config, ProxyContext context, LogFilter? filter, string path)
    {
        if (config.CustomTags.Count > 0) throw new ConfigRefusedException(path + ".custom_tags", "are not supported");
        if (config.FilterStateObjectsToLog.Count > 0) throw new ConfigRefusedException(path + ".filter_state_objects_to_log", "are not supported");
        if (config.Body is { ValueCase: not (AnyValue.ValueOneofCase.StringValue or AnyValue.ValueOneofCase.None) } odd) throw new ConfigRefusedException(path + ".body", $"{odd.ValueCase} is not supported");
        var attributes = (config.Attributes?.Values ?? []).Select((attribute, i) => attribute.Value?.ValueCase == AnyValue.ValueOneofCase.StringValue
            ? (attribute.Key, FormatString.Compile(attribute.Value.StringValue, $"{path}.attributes.values[{i}]"))
            : throw new ConfigRefusedException($"{path}.attributes.values[{i}].value", "must be a string"));
        var sender = context.Exporter(Fingerprints.Of(config), () => Sender(config, context, path));
        return new OtlpAccessLog(config.Body?.StringValue is { Length: > 0 } body ? FormatString.Compile(body, path + ".body") : null, [.. attributes], sender, filter);
    }

    protected override void Log(in FormatContext context, ByteBuilder scratch)
    {
        var record = new LogRecord { TimeUnixNano = (ulong)(context.Info.StartUtc - DateTime.UnixEpoch).Ticks * 100 };
        if (_body is not null) record.Body = new AnyValue { StringValue = Write(_body, context, scratch) };
        foreach (var (key, value) in _attributes) record.Attributes.Add(new KeyValue { Key = key, Value = new AnyValue { StringValue = Write(value, context, scratch) } });
        if (context.Request.TryGet("traceparent"u8, out var parent) && parent.Length >= 52)
            (record.TraceId, record.SpanId) = (Bytes(parent.Slice(3, 32)), Bytes(parent.Slice(36, 16)));
        _sender.Add(record);
    }

    private static string Write(FormatString format, in FormatContext context, ByteBuilder scratch)
    {
        scratch.Clear();
        format.Write(scratch, context, "-"u8);
        return Encoding.UTF8.GetString(scratch.Span);
    }

    private static ByteString Bytes(ReadOnlySpan<byte> hex)
    {
        var bytes = new byte[hex.Length / 2];
        for (var i = 0; i < bytes.Length; i++)
            if (!byte.TryParse(hex.Slice(i * 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[i]))
                return ByteString.Empty;
        return ByteString.CopyFrom(bytes);
    }

    private static OtlpLogSender Sender(OpenTelemetryAccessLogConfig config, ProxyContext context, string path)
    {
#pragma warning disable CS0612 // The older field is what Istio sends.
        var common = config.CommonConfig;
#pragma warning restore CS0612
        var resource = new Resource();
        if (!config.DisableBuiltinLabels)
            foreach (var (key, value) in new[] { ("log_name", config.LogName.Length > 0 ? config.LogName : common?.LogName ?? ""), ("zone_name", context.Node?.Locality?.Zone ?? ""), ("cluster_name", context.Node?.Cluster ?? ""), ("node_name", context.Node?.Id ?? "") })
                resource.Attributes.Add(new KeyValue { Key = key, Value = new AnyValue { StringValue = value } });
        resource.Attributes.AddRange(config.ResourceAttributes?.Values ?? []);
        var interval = TimeSpan.FromMilliseconds(Durations.Ms(config.BufferFlushInterval ?? common?.BufferFlushInterval) ?? 1000);
        if (config.HttpService is { } http)
        {
            var (cluster, target, host) = TracingCompiler.HttpUri(http.HttpUri, path + ".http_service.http_uri");
            var collector = new Collector(context, cluster);
            var headers = http.RequestHeadersToAdd.Select(header => (header.Header?.Key ?? "", header.Header?.Value ?? "")).ToArray();
            return new OtlpLogSender(resource, interval, (request, cancel) => collector.PostAsync(target, host, "application/x-protobuf", headers, request.ToByteArray(), cancel), context);
        }
        var service = config.GrpcService is not null ? Collector.Of(config.GrpcService, context, path + ".grpc_service") : Collector.Of(common?.GrpcService, context, path + ".common_config.grpc_service");
        return new OtlpLogSender(resource, interval, (request, cancel) => service.CallAsync(Export, request, cancel), context);
    }
}

/// <summary>Sends log records under one resource. Any thread.</summary>
internal sealed class OtlpLogSender : IAsyncDisposable
{
    private readonly BatchSender<LogRecord> _sender;

    public OtlpLogSender(Resource resource, TimeSpan interval, Func<ExportLogsServiceRequest, CancellationToken, Task> send, ProxyContext context) =>
        _sender = new BatchSender<LogRecord>(interval, (records, cancel) =>
        {
            var scope = new ScopeLogs { LogRecords = { records } };
            return send(new ExportLogsServiceRequest { ResourceLogs = { new ResourceLogs { Resource = resource, ScopeLogs = { scope } } } }, cancel);
        }, context.Log);

    public void Add(LogRecord record) => _sender.Add(record);

    public ValueTask DisposeAsync() => _sender.DisposeAsync();
}
