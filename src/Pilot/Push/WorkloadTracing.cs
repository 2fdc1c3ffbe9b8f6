using Envoy.Config.Core.V3;
using Envoy.Config.Trace.V3;
using Envoy.Type.Tracing.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Model;
using HttpService = Envoy.Config.Core.V3.HttpService;
using HttpTracing = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.Tracing;
using Provider = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider;
using Tracing = Istio.Telemetry.V1Alpha1.Tracing;
using WorkloadMode = Istio.Telemetry.V1Alpha1.WorkloadMode;

namespace Lateen.Pilot.Push;

/// <summary>
/// How the requests of a workload are traced, by the Telemetry objects that count for it (pilot/pkg/networking/core/tracing.go). Without a
/// provider that ours and stock proxies know nothing is: a span that goes nowhere would cost and tell nothing.
/// </summary>
internal static class WorkloadTracing
{
    private const double DefaultSampling = 1;
    private const string DryRun = "istio_dry_run_";

    private static readonly Duration ZipkinTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(5));

    /// <summary>The serialized settings of a connection manager; empty where nothing is traced.</summary>
    /// <param name="mesh">Who the providers are.</param>
    /// <param name="layers">What the objects say, the most general first.</param>
    /// <param name="mode">The side on which the requests are.</param>
    /// <param name="node">The workload's proxy.</param>
    public static ByteString Of(MeshSettings mesh, IEnumerable<Tracing> layers, WorkloadMode mode, ProxyNode node)
    {
        var name = mesh.Config.DefaultProviders?.Tracing.FirstOrDefault() ?? "";
        var (sampling, off, istioTags) = (DefaultSampling, false, true);
        var tags = new SortedDictionary<string, CustomTag>(StringComparer.Ordinal);
        foreach (var layer in layers)
        {
            if (layer.Match != null && layer.Match.Mode != WorkloadMode.ClientAndServer && layer.Match.Mode != mode) continue;
            if (layer.Providers.Count > 0) name = layer.Providers[0].Name;
            sampling = layer.RandomSamplingPercentage ?? sampling;
            off = layer.DisableSpanReporting ?? off;
            istioTags = layer.EnableIstioTags ?? istioTags;
            if (layer.CustomTags.Count > 0) tags.Clear();
            foreach (var (tag, value) in layer.CustomTags)
                if (Convert(tag, value) is { } converted) tags[tag] = converted;
        }
        if (off || mesh.Config.ExtensionProviders.FirstOrDefault(p => p.Name == name) is not { } provider || Convert(provider, node) is not { } http) return ByteString.Empty;
        if (istioTags)
            foreach (var tag in OfIstio(node)) tags.TryAdd(tag.Tag, tag);
        var tracing = new HttpTracing
        {
            ClientSampling = new() { Value = 100 }, RandomSampling = new() { Value = sampling }, OverallSampling = new() { Value = 100 }, CustomTags = { tags.Values }, Provider = http,
        };
        var longest = provider.ProviderCase == Provider.ProviderOneofCase.Zipkin ? provider.Zipkin.MaxTagLength : provider.Opentelemetry.MaxTagLength;
        if (longest > 0) tracing.MaxPathTagLength = longest;
        return tracing.ToByteString();
    }

    private static CustomTag? Convert(string tag, Tracing.Types.CustomTag value) => value.TypeCase switch
    {
        Tracing.Types.CustomTag.TypeOneofCase.Literal => new() { Tag = tag, Literal = new() { Value = value.Literal.Value } },
        Tracing.Types.CustomTag.TypeOneofCase.Environment => new() { Tag = tag, Environment = new() { Name = value.Environment.Name, DefaultValue = value.Environment.DefaultValue } },
        Tracing.Types.CustomTag.TypeOneofCase.Header => new() { Tag = tag, RequestHeader = new() { Name = value.Header.Name, DefaultValue = value.Header.DefaultValue } },
        Tracing.Types.CustomTag.TypeOneofCase.Formatter => new() { Tag = tag, Value = value.Formatter.Value },
        _ => null,
    };

    /// <summary>Who the workload is, and what policies on trial would have done.</summary>
    private static IEnumerable<CustomTag> OfIstio(ProxyNode node)
    {
        foreach (var action in new[] { "allow", "deny" })
            foreach (var (what, key) in new[] { ("name", "effective_policy_id"), ("result", "engine_result") })
                yield return new()
                {
                    Tag = $"istio.authorization.dry_run.{action}_policy.{what}",
                    Metadata = new()
                    {
                        Kind = new() { Request = new() },
                        MetadataKey = new() { Key = "envoy.filters.http.rbac", Path = { new Envoy.Type.Metadata.V3.MetadataKey.Types.PathSegment { Key = $"{DryRun}{action}_shadow_{key}" } } },
                    },
                };
        yield return Literal("istio.canonical_revision", node.Labels.GetValueOrDefault("service.istio.io/canonical-revision", ""), "latest");
        yield return Literal("istio.canonical_service", node.Labels.GetValueOrDefault("service.istio.io/canonical-name", ""), "unknown");
        yield return Literal("istio.cluster_id", node.ClusterId, "unknown");
        yield return Literal("istio.mesh_id", node.MeshId, "unknown");
        yield return Literal("istio.namespace", node.Namespace, "default");
    }

    private static CustomTag Literal(string tag, string value, string otherwise) => new() { Tag = tag, Literal = new() { Value = value.Length > 0 ? value : otherwise } };

    /// <summary>Null for a provider that does not trace, or of a kind that is not supported.</summary>
    private static Envoy.Config.Trace.V3.Tracing.Types.Http? Convert(Provider provider, ProxyNode node) => provider.ProviderCase switch
    {
        Provider.ProviderOneofCase.Zipkin => Http("envoy.tracers.zipkin", Zipkin(provider.Zipkin)),
        Provider.ProviderOneofCase.Opentelemetry when provider.Opentelemetry.DynatraceSampler == null => Http("envoy.tracers.opentelemetry", OpenTelemetry(provider.Opentelemetry, node)),
        _ => null,
    };

    private static Envoy.Config.Trace.V3.Tracing.Types.Http Http(string name, IMessage config) => new() { Name = name, TypedConfig = Any.Pack(config) };

    private static ZipkinConfig Zipkin(Provider.Types.ZipkinTracingProvider zipkin)
    {
        var (host, cluster) = Destination(zipkin.Service, zipkin.Port);
        var service = new HttpService
        {
            HttpUri = new() { Uri = $"http://{host}{(zipkin.Path.Length > 0 ? zipkin.Path : "/api/v2/spans")}", Cluster = cluster, Timeout = zipkin.Timeout ?? ZipkinTimeout },
        };
        service.RequestHeadersToAdd.AddRange(zipkin.Headers.Select(Header).OfType<HeaderValueOption>());
        return new()
        {
            CollectorService = service,
            CollectorEndpointVersion = ZipkinConfig.Types.CollectorEndpointVersion.HttpJson,
            TraceId128Bit = true,
            SharedSpanContext = false,
            TraceContextOption = (ZipkinConfig.Types.TraceContextOption)zipkin.TraceContextOption,
        };
    }

    private static OpenTelemetryConfig OpenTelemetry(Provider.Types.OpenTelemetryTracingProvider otel, ProxyNode node)
    {
        var (host, cluster) = Destination(otel.Service, otel.Port);
        var config = new OpenTelemetryConfig { ServiceName = node.Cluster };
        if (otel.Http is { } http)
        {
            config.HttpService = new() { HttpUri = new() { Uri = host + http.Path, Cluster = cluster, Timeout = http.Timeout ?? ZipkinTimeout } };
            config.HttpService.RequestHeadersToAdd.AddRange(http.Headers.Select(Header).OfType<HeaderValueOption>());
        }
        else
        {
            config.GrpcService = new() { EnvoyGrpc = new() { ClusterName = cluster, Authority = host }, Timeout = otel.Grpc?.Timeout };
            foreach (var header in otel.Grpc?.InitialMetadata ?? [])
                if (Header(header) is { } value) config.GrpcService.InitialMetadata.Add(value.Header);
        }
        if (otel.ResourceDetectors?.Environment != null)
            config.ResourceDetectors.Add(new TypedExtensionConfig
            {
                Name = "envoy.tracers.opentelemetry.resource_detectors.environment",
                TypedConfig = Any.Pack(new Envoy.Extensions.Tracers.Opentelemetry.ResourceDetectors.V3.EnvironmentResourceDetectorConfig()),
            });
        return config;
    }

    /// <summary>Values from Pilot's own environment are as Istio has them: the variable of a process that the workload is not.</summary>
    private static HeaderValueOption? Header(Provider.Types.HttpHeader header)
    {
        var value = header.HeaderValueCase == Provider.Types.HttpHeader.HeaderValueOneofCase.EnvName ? Environment.GetEnvironmentVariable(header.EnvName) : header.Value;
        return value == null ? null : new() { Header = new() { Key = header.Name, Value = value }, AppendAction = HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd };
    }

    private static (string Host, string Cluster) Destination(string service, uint port)
    {
        var host = service[(service.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return (host, ClusterName.Outbound((int)port, "", host));
    }
}
