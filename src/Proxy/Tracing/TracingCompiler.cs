using Envoy.Config.Core.V3;
using Envoy.Config.Trace.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.RequestId.Uuid.V3;
using Envoy.Type.Tracing.V3;
using Lateen.Api;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Opentelemetry.Proto.Common.V1;
using Opentelemetry.Proto.Resource.V1;
using KeyValue = Opentelemetry.Proto.Common.V1.KeyValue;

namespace Lateen.Proxy.Tracing;

/// <summary>HttpConnectionManager.Tracing → <see cref="TracingSettings"/>. What is not supported is refused with its path.</summary>
internal static class TracingCompiler
{
    /// <summary>Null when the connection manager has no tracing.</summary>
    public static TracingSettings? Compile(HttpConnectionManager hcm, TrafficDirection direction, ProxyContext context, string path)
    {
        if (hcm.Tracing is not { } tracing) return null;
        path += ".tracing";
        if (tracing.Verbose) throw new ConfigRefusedException(path + ".verbose", "is not supported");
        if (tracing.SpawnUpstreamSpan is true) throw new ConfigRefusedException(path + ".spawn_upstream_span", "is not supported");
        if (tracing.UpstreamOperation.Length > 0) throw new ConfigRefusedException(path + ".upstream_operation", "is not supported: there are no spans of the upstream alone");
        if (tracing.Provider is not { } provider) return null;
        var uuid = hcm.RequestIdExtension?.TypedConfig is { } extension && extension.TryRead<UuidRequestIdConfig>(out var config) ? config : new UuidRequestIdConfig();
        var settings = Provider(provider, context, path + ".provider");
        return settings with
        {
            ClientSampling = tracing.ClientSampling?.Value ?? 100,
            RandomSampling = tracing.RandomSampling?.Value ?? 100,
            OverallSampling = tracing.OverallSampling?.Value ?? 100,
            MaxPathLength = (int)(tracing.MaxPathTagLength ?? 256),
            Tags = [.. tracing.CustomTags.Select((tag, i) => Tag(tag, $"{path}.custom_tags[{i}]"))],
            Operation = tracing.Operation.Length > 0 ? FormatString.Compile(tracing.Operation, path + ".operation") : null,
            IsEgress = direction == TrafficDirection.Outbound,
            PacksReason = uuid.PackTraceReason ?? true,
            ReadsReason = uuid.UseRequestIdForTraceSampling ?? true,
        };
    }

    private static TracingSettings Provider(Envoy.Config.Trace.V3.Tracing.Types.Http provider, ProxyContext context, string path)
    {
        if (provider.TypedConfig is not { } any) throw new ConfigRefusedException(path, $"{provider.Name} has no typed_config");
        var at = path + ".typed_config";
        if (any.TryRead<ZipkinConfig>(out var zipkin))
        {
            if (zipkin.CollectorEndpointVersion != ZipkinConfig.Types.CollectorEndpointVersion.HttpJson && zipkin.CollectorService is null)
                throw new ConfigRefusedException(at + ".collector_endpoint_version", $"{zipkin.CollectorEndpointVersion} is not supported: set HTTP_JSON");
            var uri = zipkin.CollectorService?.HttpUri is { } given ? HttpUri(given, at + ".collector_service.http_uri") : (zipkin.CollectorCluster, zipkin.CollectorEndpoint, zipkin.CollectorHostname.Length > 0 ? zipkin.CollectorHostname : zipkin.CollectorCluster);
#pragma warning disable CS0612 // The older field is still a field.
            if (zipkin.SplitSpansForRequest) throw new ConfigRefusedException(at + ".split_spans_for_request", "is not supported");
#pragma warning restore CS0612
            return new TracingSettings
            {
                Propagation = Propagation.B3 | (zipkin.TraceContextOption == ZipkinConfig.Types.TraceContextOption.UseB3WithW3CPropagation ? Propagation.W3C : Propagation.None),
                LongIds = zipkin.TraceId128Bit,
                SharesSpans = zipkin.SharedSpanContext ?? true,
                Exporter = context.Exporter(Fingerprints.Of(any), () => new ZipkinExporter(new Collector(context, uri.Item1), uri.Item2, uri.Item3, context.Node?.Cluster ?? "", context.Log)),
            };
        }
        if (any.TryRead<OpenTelemetryConfig>(out var otel))
        {
            if (otel.Sampler is not null) throw new ConfigRefusedException(at + ".sampler", $"{otel.Sampler.Name} is not supported");
            var resource = Resource(otel, at);
            return new TracingSettings
            {
                Propagation = Propagation.W3C,
                Exporter = context.Exporter(Fingerprints.Of(any), () => Otlp(otel, resource, context, at)),
            };
        }
        throw new ConfigRefusedException(path, $"the tracer {provider.Name} ({any.TypeUrl}) is not supported");
    }

    private static OtlpExporter Otlp(OpenTelemetryConfig otel, Resource resource, ProxyContext context, string path)
    {
        if (otel.HttpService is { } http)
        {
            var (cluster, target, host) = HttpUri(http.HttpUri, path + ".http_service.http_uri");
            var extra = http.RequestHeadersToAdd.Select(header => (header.Header?.Key ?? "", header.Header?.Value ?? "")).ToArray();
            return new OtlpExporter(new Collector(context, cluster), resource, target, host, extra, context.Log);
        }
        return new OtlpExporter(Collector.Of(otel.GrpcService, context, path + ".grpc_service"), resource, context.Log);
    }

    private static Resource Resource(OpenTelemetryConfig otel, string path)
    {
        var resource = new Resource { Attributes = { Attribute("service.name", otel.ServiceName.Length > 0 ? otel.ServiceName : "unknown_service:envoy") } };
        for (var i = 0; i < otel.ResourceDetectors.Count; i++)
        {
            if (otel.ResourceDetectors[i].TypedConfig?.Is(Envoy.Extensions.Tracers.Opentelemetry.ResourceDetectors.V3.EnvironmentResourceDetectorConfig.Descriptor) != true)
                throw new ConfigRefusedException($"{path}.resource_detectors[{i}]", $"{otel.ResourceDetectors[i].Name} is not supported");
            // "key=value,key=value" (OpenTelemetry, "Resource SDK", OTEL_RESOURCE_ATTRIBUTES).
            foreach (var pair in (Environment.GetEnvironmentVariable("OTEL_RESOURCE_ATTRIBUTES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
                if (pair.Split('=', 2) is [var key, var value])
                    resource.Attributes.Add(Attribute(key.Trim(), Uri.UnescapeDataString(value.Trim())));
        }
        return resource;
    }

    private static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

    /// <summary>The cluster, path and host of a collector. A URI may leave out its scheme, as istiod's does.</summary>
    internal static (string Cluster, string Path, string Host) HttpUri(HttpUri? uri, string path)
    {
        if (uri is null || uri.Cluster.Length == 0 || !Uri.TryCreate(uri.Uri.Contains("://", StringComparison.Ordinal) ? uri.Uri : "http://" + uri.Uri, UriKind.Absolute, out var parsed)) throw new ConfigRefusedException(path, "needs a uri with a host, and a cluster");
        return (uri.Cluster, parsed.PathAndQuery, parsed.Authority);
    }

    /// <summary>A tag is a format with one operator in it: the logs' operators know all that tags may name.</summary>
    private static SpanTag Tag(CustomTag tag, string path) => tag.TypeCase switch
    {
        CustomTag.TypeOneofCase.Literal => new SpanTag(tag.Tag, null, tag.Literal.Value),
        CustomTag.TypeOneofCase.Environment => new SpanTag(tag.Tag, null, Environment.GetEnvironmentVariable(tag.Environment.Name) ?? tag.Environment.DefaultValue),
        CustomTag.TypeOneofCase.RequestHeader => new SpanTag(tag.Tag, FormatString.Compile($"%REQ({tag.RequestHeader.Name})%", path), tag.RequestHeader.DefaultValue),
        CustomTag.TypeOneofCase.Metadata => new SpanTag(tag.Tag, FormatString.Compile($"%METADATA({Kind(tag.Metadata, path)}:{string.Join(':', tag.Metadata.MetadataKey.Path.Select(part => part.Key).Prepend(tag.Metadata.MetadataKey.Key))})%", path), tag.Metadata.DefaultValue),
        CustomTag.TypeOneofCase.Value => new SpanTag(tag.Tag, FormatString.Compile(tag.Value, path), ""),
        _ => throw new ConfigRefusedException(path, $"the tag {tag.Tag} has no value"),
    };

    private static string Kind(CustomTag.Types.Metadata metadata, string path) => metadata.Kind?.KindCase switch
    {
        Envoy.Type.Metadata.V3.MetadataKind.KindOneofCase.Request => "DYNAMIC",
        Envoy.Type.Metadata.V3.MetadataKind.KindOneofCase.Route => "ROUTE",
        Envoy.Type.Metadata.V3.MetadataKind.KindOneofCase.Cluster => "CLUSTER",
        Envoy.Type.Metadata.V3.MetadataKind.KindOneofCase.Host => "UPSTREAM_HOST",
        _ => throw new ConfigRefusedException(path + ".metadata.kind", "is missing"),
    };
}
