using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lateen.Api;

/// <summary>
/// Every message that the .proto files declare, by name: to read and write Any in JSON. Descriptors cost far more than messages (all of
/// them about a second of a processor), so each package's are loaded when a name of it is first asked for. Any thread.
/// </summary>
public static class AnyRegistry
{
    private const int MaxDepth = 256;
    private static readonly ILookup<string, Lazy<FileDescriptor>> ByPackage = Files().ToLookup(file => file.Package, file => new Lazy<FileDescriptor>(file.Load), StringComparer.Ordinal);
    // One file names its namespace itself: that of Istio's statistics filter, whose package is only "stats".
    private static readonly Lazy<Dictionary<string, string>> ByNamespace = new(() => ByPackage.ToDictionary(package => Plain(package.Key == "stats" ? "istio.extensions.stats" : package.Key), package => package.Key, StringComparer.OrdinalIgnoreCase));
    private static readonly Lazy<TypeRegistry> Types = new(() => TypeRegistry.FromFiles(ByPackage.SelectMany(package => package).Select(file => file.Value)));
    private static readonly Lazy<JsonFormatter> Writer = new(() => new(new JsonFormatter.Settings(false, All).WithIndentation()));
    private static readonly Lazy<JsonFormatter> ProtoNameWriter = new(() => new(new JsonFormatter.Settings(false, All).WithIndentation().WithPreserveProtoFieldNames(true)));

    /// <summary>All types; loads every descriptor.</summary>
    public static TypeRegistry All => Types.Value;

    /// <summary>Writes canonical protobuf JSON with Any expanded; loads every descriptor.</summary>
    public static JsonFormatter Formatter => Writer.Value;

    /// <summary>The same with the field names of the .proto files, as Envoy's admin pages have them.</summary>
    public static JsonFormatter ProtoNameFormatter => ProtoNameWriter.Value;

    /// <summary>Reads canonical protobuf JSON; a field or an Any's type that is not known is an error.</summary>
    /// <exception cref="InvalidProtocolBufferException">The text is no such message.</exception>
    /// <exception cref="InvalidJsonException">The text is no JSON.</exception>
    public static T Parse<T>(string json)
        where T : IMessage, new() => ParserFor(json).Parse<T>(json);

    /// <summary>The same for a message whose type is known by its descriptor.</summary>
    /// <exception cref="InvalidProtocolBufferException">The text is no such message.</exception>
    /// <exception cref="InvalidJsonException">The text is no JSON.</exception>
    public static IMessage Parse(string json, MessageDescriptor type) => ParserFor(json).Parse(json, type);

    /// <summary>The message behind a type URL or a full name, or null.</summary>
    public static MessageDescriptor? Find(string typeUrl)
    {
        var name = typeUrl[(typeUrl.LastIndexOf('/') + 1)..];
        // Messages may be nested, so the package is the longest beginning that is one.
        for (var end = name.LastIndexOf('.'); end > 0; end = name.LastIndexOf('.', end - 1))
            foreach (var file in ByPackage[name[..end]])
                if (file.Value.FindTypeByName<MessageDescriptor>(name[(end + 1)..]) is { } found)
                    return found;
        return null;
    }

    /// <summary>The full name of a top-level message, without its descriptor.</summary>
    /// <exception cref="KeyNotFoundException">The message is not of these .proto files.</exception>
    public static string NameOf<T>()
        where T : IMessage => ByNamespace.Value[typeof(T).Namespace!] + "." + typeof(T).Name;

    /// <summary>protoc makes the namespace from the package: the same words, each begun with a capital, without underscores.</summary>
    private static string Plain(string package) => package.Replace("_", "", StringComparison.Ordinal);

    private static JsonParser ParserFor(string json)
    {
        var types = new HashSet<MessageDescriptor>();
        // Text that is no JSON is left to the parser, whose message says where.
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            Collect(document.RootElement, types);
        }
        catch (JsonException)
        {
        }
        return new JsonParser(new JsonParser.Settings(MaxDepth, TypeRegistry.FromMessages(types)));
    }

    private static void Collect(JsonElement element, HashSet<MessageDescriptor> types)
    {
        if (element.ValueKind == JsonValueKind.Array)
            foreach (var item in element.EnumerateArray())
                Collect(item, types);
        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var member in element.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.String && member.NameEquals("@type") && Find(member.Value.GetString()!) is { } type) types.Add(type);
            Collect(member.Value, types);
        }
    }

    private static (string Package, Func<FileDescriptor> Load)[] Files() =>
    [
        ("cel.expr", () => global::Cel.Expr.ExprReflection.Descriptor),
        ("envoy.admin.v3", () => global::Envoy.Admin.V3.AdminReflection.Descriptor),
        ("envoy.config.accesslog.v3", () => global::Envoy.Config.Accesslog.V3.AccesslogReflection.Descriptor),
        ("envoy.config.bootstrap.v3", () => global::Envoy.Config.Bootstrap.V3.BootstrapReflection.Descriptor),
        ("envoy.config.cluster.v3", () => global::Envoy.Config.Cluster.V3.ClusterReflection.Descriptor),
        ("envoy.config.common.key_value.v3", () => global::Envoy.Config.Common.KeyValue.V3.KeyValueReflection.Descriptor),
        ("envoy.config.common.matcher.v3", () => global::Envoy.Config.Common.Matcher.V3.MatcherReflection.Descriptor),
        ("envoy.config.common.mutation_rules.v3", () => global::Envoy.Config.Common.MutationRules.V3.MutationRulesReflection.Descriptor),
        ("envoy.config.core.v3", () => global::Envoy.Config.Core.V3.CoreReflection.Descriptor),
        ("envoy.config.endpoint.v3", () => global::Envoy.Config.Endpoint.V3.EndpointReflection.Descriptor),
        ("envoy.config.listener.v3", () => global::Envoy.Config.Listener.V3.ListenerReflection.Descriptor),
        ("envoy.config.metrics.v3", () => global::Envoy.Config.Metrics.V3.MetricsReflection.Descriptor),
        ("envoy.config.overload.v3", () => global::Envoy.Config.Overload.V3.OverloadReflection.Descriptor),
        ("envoy.config.ratelimit.v3", () => global::Envoy.Config.Ratelimit.V3.RatelimitReflection.Descriptor),
        ("envoy.config.rbac.v3", () => global::Envoy.Config.Rbac.V3.RbacReflection.Descriptor),
        ("envoy.config.route.v3", () => global::Envoy.Config.Route.V3.RouteReflection.Descriptor),
        ("envoy.config.tap.v3", () => global::Envoy.Config.Tap.V3.TapReflection.Descriptor),
        ("envoy.config.trace.v3", () => global::Envoy.Config.Trace.V3.TraceReflection.Descriptor),
        ("envoy.config.upstream.local_address_selector.v3", () => global::Envoy.Config.Upstream.LocalAddressSelector.V3.LocalAddressSelectorReflection.Descriptor),
        ("envoy.data.accesslog.v3", () => global::Envoy.Data.Accesslog.V3.AccesslogReflection.Descriptor),
        ("envoy.data.cluster.v3", () => global::Envoy.Data.Cluster.V3.ClusterReflection.Descriptor),
        ("envoy.data.core.v3", () => global::Envoy.Data.Core.V3.CoreReflection.Descriptor),
        ("envoy.extensions.access_loggers.file.v3", () => global::Envoy.Extensions.AccessLoggers.File.V3.FileReflection.Descriptor),
        ("envoy.extensions.access_loggers.filters.cel.v3", () => global::Envoy.Extensions.AccessLoggers.Filters.Cel.V3.CelReflection.Descriptor),
        ("envoy.extensions.access_loggers.grpc.v3", () => global::Envoy.Extensions.AccessLoggers.Grpc.V3.GrpcReflection.Descriptor),
        ("envoy.extensions.access_loggers.open_telemetry.v3", () => global::Envoy.Extensions.AccessLoggers.OpenTelemetry.V3.OpenTelemetryReflection.Descriptor),
        ("envoy.extensions.access_loggers.stream.v3", () => global::Envoy.Extensions.AccessLoggers.Stream.V3.StreamReflection.Descriptor),
        ("envoy.extensions.clusters.aggregate.v3", () => global::Envoy.Extensions.Clusters.Aggregate.V3.AggregateReflection.Descriptor),
        ("envoy.extensions.clusters.dynamic_forward_proxy.v3", () => global::Envoy.Extensions.Clusters.DynamicForwardProxy.V3.DynamicForwardProxyReflection.Descriptor),
        ("envoy.extensions.common.dynamic_forward_proxy.v3", () => global::Envoy.Extensions.Common.DynamicForwardProxy.V3.DynamicForwardProxyReflection.Descriptor),
        ("envoy.extensions.common.matching.v3", () => global::Envoy.Extensions.Common.Matching.V3.MatchingReflection.Descriptor),
        ("envoy.extensions.common.ratelimit.v3", () => global::Envoy.Extensions.Common.Ratelimit.V3.RatelimitReflection.Descriptor),
        ("envoy.extensions.common.tap.v3", () => global::Envoy.Extensions.Common.Tap.V3.TapReflection.Descriptor),
        ("envoy.extensions.compression.brotli.compressor.v3", () => global::Envoy.Extensions.Compression.Brotli.Compressor.V3.CompressorReflection.Descriptor),
        ("envoy.extensions.compression.brotli.decompressor.v3", () => global::Envoy.Extensions.Compression.Brotli.Decompressor.V3.DecompressorReflection.Descriptor),
        ("envoy.extensions.compression.gzip.compressor.v3", () => global::Envoy.Extensions.Compression.Gzip.Compressor.V3.CompressorReflection.Descriptor),
        ("envoy.extensions.compression.gzip.decompressor.v3", () => global::Envoy.Extensions.Compression.Gzip.Decompressor.V3.DecompressorReflection.Descriptor),
        ("envoy.extensions.compression.zstd.compressor.v3", () => global::Envoy.Extensions.Compression.Zstd.Compressor.V3.CompressorReflection.Descriptor),
        ("envoy.extensions.compression.zstd.decompressor.v3", () => global::Envoy.Extensions.Compression.Zstd.Decompressor.V3.DecompressorReflection.Descriptor),
        ("envoy.extensions.early_data.v3", () => global::Envoy.Extensions.EarlyData.V3.EarlyDataReflection.Descriptor),
        ("envoy.extensions.filters.common.dependency.v3", () => global::Envoy.Extensions.Filters.Common.Dependency.V3.DependencyReflection.Descriptor),
        ("envoy.extensions.filters.common.fault.v3", () => global::Envoy.Extensions.Filters.Common.Fault.V3.FaultReflection.Descriptor),
        ("envoy.extensions.filters.common.set_filter_state.v3", () => global::Envoy.Extensions.Filters.Common.SetFilterState.V3.SetFilterStateReflection.Descriptor),
        ("envoy.extensions.filters.http.buffer.v3", () => global::Envoy.Extensions.Filters.Http.Buffer.V3.BufferReflection.Descriptor),
        ("envoy.extensions.filters.http.composite.v3", () => global::Envoy.Extensions.Filters.Http.Composite.V3.CompositeReflection.Descriptor),
        ("envoy.extensions.filters.http.compressor.v3", () => global::Envoy.Extensions.Filters.Http.Compressor.V3.CompressorReflection.Descriptor),
        ("envoy.extensions.filters.http.cors.v3", () => global::Envoy.Extensions.Filters.Http.Cors.V3.CorsReflection.Descriptor),
        ("envoy.extensions.filters.http.csrf.v3", () => global::Envoy.Extensions.Filters.Http.Csrf.V3.CsrfReflection.Descriptor),
        ("envoy.extensions.filters.http.decompressor.v3", () => global::Envoy.Extensions.Filters.Http.Decompressor.V3.DecompressorReflection.Descriptor),
        ("envoy.extensions.filters.http.ext_authz.v3", () => global::Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthzReflection.Descriptor),
        ("envoy.extensions.filters.http.ext_proc.v3", () => global::Envoy.Extensions.Filters.Http.ExtProc.V3.ExtProcReflection.Descriptor),
        ("envoy.extensions.filters.http.fault.v3", () => global::Envoy.Extensions.Filters.Http.Fault.V3.FaultReflection.Descriptor),
        ("envoy.extensions.filters.http.grpc_http1_bridge.v3", () => global::Envoy.Extensions.Filters.Http.GrpcHttp1Bridge.V3.GrpcHttp1BridgeReflection.Descriptor),
        ("envoy.extensions.filters.http.grpc_stats.v3", () => global::Envoy.Extensions.Filters.Http.GrpcStats.V3.GrpcStatsReflection.Descriptor),
        ("envoy.extensions.filters.http.grpc_web.v3", () => global::Envoy.Extensions.Filters.Http.GrpcWeb.V3.GrpcWebReflection.Descriptor),
        ("envoy.extensions.filters.http.header_mutation.v3", () => global::Envoy.Extensions.Filters.Http.HeaderMutation.V3.HeaderMutationReflection.Descriptor),
        ("envoy.extensions.filters.http.header_to_metadata.v3", () => global::Envoy.Extensions.Filters.Http.HeaderToMetadata.V3.HeaderToMetadataReflection.Descriptor),
        ("envoy.extensions.filters.http.health_check.v3", () => global::Envoy.Extensions.Filters.Http.HealthCheck.V3.HealthCheckReflection.Descriptor),
        ("envoy.extensions.filters.http.jwt_authn.v3", () => global::Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtAuthnReflection.Descriptor),
        ("envoy.extensions.filters.http.local_ratelimit.v3", () => global::Envoy.Extensions.Filters.Http.LocalRatelimit.V3.LocalRatelimitReflection.Descriptor),
        ("envoy.extensions.filters.http.lua.v3", () => global::Envoy.Extensions.Filters.Http.Lua.V3.LuaReflection.Descriptor),
        ("envoy.extensions.filters.http.on_demand.v3", () => global::Envoy.Extensions.Filters.Http.OnDemand.V3.OnDemandReflection.Descriptor),
        ("envoy.extensions.filters.http.original_src.v3", () => global::Envoy.Extensions.Filters.Http.OriginalSrc.V3.OriginalSrcReflection.Descriptor),
        ("envoy.extensions.filters.http.ratelimit.v3", () => global::Envoy.Extensions.Filters.Http.Ratelimit.V3.RatelimitReflection.Descriptor),
        ("envoy.extensions.filters.http.rbac.v3", () => global::Envoy.Extensions.Filters.Http.Rbac.V3.RbacReflection.Descriptor),
        ("envoy.extensions.filters.http.router.v3", () => global::Envoy.Extensions.Filters.Http.Router.V3.RouterReflection.Descriptor),
        ("envoy.extensions.filters.http.set_filter_state.v3", () => global::Envoy.Extensions.Filters.Http.SetFilterState.V3.SetFilterStateReflection.Descriptor),
        ("envoy.extensions.filters.http.set_metadata.v3", () => global::Envoy.Extensions.Filters.Http.SetMetadata.V3.SetMetadataReflection.Descriptor),
        ("envoy.extensions.filters.http.stateful_session.v3", () => global::Envoy.Extensions.Filters.Http.StatefulSession.V3.StatefulSessionReflection.Descriptor),
        ("envoy.extensions.filters.http.wasm.v3", () => global::Envoy.Extensions.Filters.Http.Wasm.V3.WasmReflection.Descriptor),
        ("envoy.extensions.filters.listener.http_inspector.v3", () => global::Envoy.Extensions.Filters.Listener.HttpInspector.V3.HttpInspectorReflection.Descriptor),
        ("envoy.extensions.filters.listener.original_dst.v3", () => global::Envoy.Extensions.Filters.Listener.OriginalDst.V3.OriginalDstReflection.Descriptor),
        ("envoy.extensions.filters.listener.original_src.v3", () => global::Envoy.Extensions.Filters.Listener.OriginalSrc.V3.OriginalSrcReflection.Descriptor),
        ("envoy.extensions.filters.listener.proxy_protocol.v3", () => global::Envoy.Extensions.Filters.Listener.ProxyProtocol.V3.ProxyProtocolReflection.Descriptor),
        ("envoy.extensions.filters.listener.tls_inspector.v3", () => global::Envoy.Extensions.Filters.Listener.TlsInspector.V3.TlsInspectorReflection.Descriptor),
        ("envoy.extensions.filters.network.connection_limit.v3", () => global::Envoy.Extensions.Filters.Network.ConnectionLimit.V3.ConnectionLimitReflection.Descriptor),
        ("envoy.extensions.filters.network.direct_response.v3", () => global::Envoy.Extensions.Filters.Network.DirectResponse.V3.DirectResponseReflection.Descriptor),
        ("envoy.extensions.filters.network.echo.v3", () => global::Envoy.Extensions.Filters.Network.Echo.V3.EchoReflection.Descriptor),
        ("envoy.extensions.filters.network.ext_authz.v3", () => global::Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthzReflection.Descriptor),
        ("envoy.extensions.filters.network.http_connection_manager.v3", () => global::Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManagerReflection.Descriptor),
        ("envoy.extensions.filters.network.local_ratelimit.v3", () => global::Envoy.Extensions.Filters.Network.LocalRatelimit.V3.LocalRatelimitReflection.Descriptor),
        ("envoy.extensions.filters.network.mongo_proxy.v3", () => global::Envoy.Extensions.Filters.Network.MongoProxy.V3.MongoProxyReflection.Descriptor),
        ("envoy.extensions.filters.network.ratelimit.v3", () => global::Envoy.Extensions.Filters.Network.Ratelimit.V3.RatelimitReflection.Descriptor),
        ("envoy.extensions.filters.network.rbac.v3", () => global::Envoy.Extensions.Filters.Network.Rbac.V3.RbacReflection.Descriptor),
        ("envoy.extensions.filters.network.set_filter_state.v3", () => global::Envoy.Extensions.Filters.Network.SetFilterState.V3.SetFilterStateReflection.Descriptor),
        ("envoy.extensions.filters.network.sni_cluster.v3", () => global::Envoy.Extensions.Filters.Network.SniCluster.V3.SniClusterReflection.Descriptor),
        ("envoy.extensions.filters.network.tcp_proxy.v3", () => global::Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxyReflection.Descriptor),
        ("envoy.extensions.formatter.cel.v3", () => global::Envoy.Extensions.Formatter.Cel.V3.CelReflection.Descriptor),
        ("envoy.extensions.formatter.metadata.v3", () => global::Envoy.Extensions.Formatter.Metadata.V3.MetadataReflection.Descriptor),
        ("envoy.extensions.formatter.req_without_query.v3", () => global::Envoy.Extensions.Formatter.ReqWithoutQuery.V3.ReqWithoutQueryReflection.Descriptor),
        ("envoy.extensions.health_check.event_sinks.file.v3", () => global::Envoy.Extensions.HealthCheck.EventSinks.File.V3.FileReflection.Descriptor),
        ("envoy.extensions.http.header_validators.envoy_default.v3", () => global::Envoy.Extensions.Http.HeaderValidators.EnvoyDefault.V3.EnvoyDefaultReflection.Descriptor),
        ("envoy.extensions.http.original_ip_detection.custom_header.v3", () => global::Envoy.Extensions.Http.OriginalIpDetection.CustomHeader.V3.CustomHeaderReflection.Descriptor),
        ("envoy.extensions.http.original_ip_detection.xff.v3", () => global::Envoy.Extensions.Http.OriginalIpDetection.Xff.V3.XffReflection.Descriptor),
        ("envoy.extensions.http.stateful_session.cookie.v3", () => global::Envoy.Extensions.Http.StatefulSession.Cookie.V3.CookieReflection.Descriptor),
        ("envoy.extensions.http.stateful_session.envelope.v3", () => global::Envoy.Extensions.Http.StatefulSession.Envelope.V3.EnvelopeReflection.Descriptor),
        ("envoy.extensions.http.stateful_session.header.v3", () => global::Envoy.Extensions.Http.StatefulSession.Header.V3.HeaderReflection.Descriptor),
        ("envoy.extensions.internal_redirect.allow_listed_routes.v3", () => global::Envoy.Extensions.InternalRedirect.AllowListedRoutes.V3.AllowListedRoutesReflection.Descriptor),
        ("envoy.extensions.internal_redirect.previous_routes.v3", () => global::Envoy.Extensions.InternalRedirect.PreviousRoutes.V3.PreviousRoutesReflection.Descriptor),
        ("envoy.extensions.internal_redirect.safe_cross_scheme.v3", () => global::Envoy.Extensions.InternalRedirect.SafeCrossScheme.V3.SafeCrossSchemeReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.ClientSideWeightedRoundRobin.V3.ClientSideWeightedRoundRobinReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.cluster_provided.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.ClusterProvided.V3.ClusterProvidedReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.common.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.Common.V3.CommonReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.least_request.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3.LeastRequestReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.maglev.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.Maglev.V3.MaglevReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.override_host.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.OverrideHost.V3.OverrideHostReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.pick_first.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.PickFirst.V3.PickFirstReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.random.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.Random.V3.RandomReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.random_subsetting.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.RandomSubsetting.V3.RandomSubsettingReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.ring_hash.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.RingHash.V3.RingHashReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.round_robin.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3.RoundRobinReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.subset.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.Subset.V3.SubsetReflection.Descriptor),
        ("envoy.extensions.load_balancing_policies.wrr_locality.v3", () => global::Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3.WrrLocalityReflection.Descriptor),
        ("envoy.extensions.matching.common_inputs.network.v3", () => global::Envoy.Extensions.Matching.CommonInputs.Network.V3.NetworkReflection.Descriptor),
        ("envoy.extensions.matching.input_matchers.consistent_hashing.v3", () => global::Envoy.Extensions.Matching.InputMatchers.ConsistentHashing.V3.ConsistentHashingReflection.Descriptor),
        ("envoy.extensions.matching.input_matchers.ip.v3", () => global::Envoy.Extensions.Matching.InputMatchers.Ip.V3.IpReflection.Descriptor),
        ("envoy.extensions.matching.input_matchers.metadata.v3", () => global::Envoy.Extensions.Matching.InputMatchers.Metadata.V3.MetadataReflection.Descriptor),
        ("envoy.extensions.matching.input_matchers.runtime_fraction.v3", () => global::Envoy.Extensions.Matching.InputMatchers.RuntimeFraction.V3.RuntimeFractionReflection.Descriptor),
        ("envoy.extensions.network.dns_resolver.apple.v3", () => global::Envoy.Extensions.Network.DnsResolver.Apple.V3.AppleReflection.Descriptor),
        ("envoy.extensions.network.dns_resolver.cares.v3", () => global::Envoy.Extensions.Network.DnsResolver.Cares.V3.CaresReflection.Descriptor),
        ("envoy.extensions.network.dns_resolver.getaddrinfo.v3", () => global::Envoy.Extensions.Network.DnsResolver.Getaddrinfo.V3.GetaddrinfoReflection.Descriptor),
        ("envoy.extensions.outlier_detection_monitors.common.v3", () => global::Envoy.Extensions.OutlierDetectionMonitors.Common.V3.CommonReflection.Descriptor),
        ("envoy.extensions.outlier_detection_monitors.consecutive_errors.v3", () => global::Envoy.Extensions.OutlierDetectionMonitors.ConsecutiveErrors.V3.ConsecutiveErrorsReflection.Descriptor),
        ("envoy.extensions.path.match.uri_template.v3", () => global::Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateReflection.Descriptor),
        ("envoy.extensions.path.rewrite.uri_template.v3", () => global::Envoy.Extensions.Path.Rewrite.UriTemplate.V3.UriTemplateReflection.Descriptor),
        ("envoy.extensions.rbac.audit_loggers.stream.v3", () => global::Envoy.Extensions.Rbac.AuditLoggers.Stream.V3.StreamReflection.Descriptor),
        ("envoy.extensions.rbac.matchers.upstream_ip_port.v3", () => global::Envoy.Extensions.Rbac.Matchers.UpstreamIpPort.V3.UpstreamIpPortReflection.Descriptor),
        ("envoy.extensions.rbac.principals.mtls_authenticated.v3", () => global::Envoy.Extensions.Rbac.Principals.MtlsAuthenticated.V3.MtlsAuthenticatedReflection.Descriptor),
        ("envoy.extensions.regex_engines.v3", () => global::Envoy.Extensions.RegexEngines.V3.RegexEnginesReflection.Descriptor),
        ("envoy.extensions.request_id.uuid.v3", () => global::Envoy.Extensions.RequestId.Uuid.V3.UuidReflection.Descriptor),
        ("envoy.extensions.resource_monitors.cgroup_memory.v3", () => global::Envoy.Extensions.ResourceMonitors.CgroupMemory.V3.CgroupMemoryReflection.Descriptor),
        ("envoy.extensions.resource_monitors.cpu_utilization.v3", () => global::Envoy.Extensions.ResourceMonitors.CpuUtilization.V3.CpuUtilizationReflection.Descriptor),
        ("envoy.extensions.resource_monitors.downstream_connections.v3", () => global::Envoy.Extensions.ResourceMonitors.DownstreamConnections.V3.DownstreamConnectionsReflection.Descriptor),
        ("envoy.extensions.resource_monitors.fixed_heap.v3", () => global::Envoy.Extensions.ResourceMonitors.FixedHeap.V3.FixedHeapReflection.Descriptor),
        ("envoy.extensions.resource_monitors.injected_resource.v3", () => global::Envoy.Extensions.ResourceMonitors.InjectedResource.V3.InjectedResourceReflection.Descriptor),
        ("envoy.extensions.retry.host.omit_canary_hosts.v3", () => global::Envoy.Extensions.Retry.Host.OmitCanaryHosts.V3.OmitCanaryHostsReflection.Descriptor),
        ("envoy.extensions.retry.host.omit_host_metadata.v3", () => global::Envoy.Extensions.Retry.Host.OmitHostMetadata.V3.OmitHostMetadataReflection.Descriptor),
        ("envoy.extensions.retry.host.previous_hosts.v3", () => global::Envoy.Extensions.Retry.Host.PreviousHosts.V3.PreviousHostsReflection.Descriptor),
        ("envoy.extensions.retry.priority.previous_priorities.v3", () => global::Envoy.Extensions.Retry.Priority.PreviousPriorities.V3.PreviousPrioritiesReflection.Descriptor),
        ("envoy.extensions.router.cluster_specifiers.lua.v3", () => global::Envoy.Extensions.Router.ClusterSpecifiers.Lua.V3.LuaReflection.Descriptor),
        ("envoy.extensions.router.cluster_specifiers.matcher.v3", () => global::Envoy.Extensions.Router.ClusterSpecifiers.Matcher.V3.MatcherReflection.Descriptor),
        ("envoy.extensions.stat_sinks.open_telemetry.v3", () => global::Envoy.Extensions.StatSinks.OpenTelemetry.V3.OpenTelemetryReflection.Descriptor),
        ("envoy.extensions.tracers.opentelemetry.resource_detectors.v3", () => global::Envoy.Extensions.Tracers.Opentelemetry.ResourceDetectors.V3.ResourceDetectorsReflection.Descriptor),
        ("envoy.extensions.tracers.opentelemetry.samplers.v3", () => global::Envoy.Extensions.Tracers.Opentelemetry.Samplers.V3.SamplersReflection.Descriptor),
        ("envoy.extensions.transport_sockets.http_11_proxy.v3", () => global::Envoy.Extensions.TransportSockets.Http11Proxy.V3.Http11ProxyReflection.Descriptor),
        ("envoy.extensions.transport_sockets.internal_upstream.v3", () => global::Envoy.Extensions.TransportSockets.InternalUpstream.V3.InternalUpstreamReflection.Descriptor),
        ("envoy.extensions.transport_sockets.proxy_protocol.v3", () => global::Envoy.Extensions.TransportSockets.ProxyProtocol.V3.ProxyProtocolReflection.Descriptor),
        ("envoy.extensions.transport_sockets.quic.v3", () => global::Envoy.Extensions.TransportSockets.Quic.V3.QuicReflection.Descriptor),
        ("envoy.extensions.transport_sockets.raw_buffer.v3", () => global::Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBufferReflection.Descriptor),
        ("envoy.extensions.transport_sockets.tap.v3", () => global::Envoy.Extensions.TransportSockets.Tap.V3.TapReflection.Descriptor),
        ("envoy.extensions.transport_sockets.tcp_stats.v3", () => global::Envoy.Extensions.TransportSockets.TcpStats.V3.TcpStatsReflection.Descriptor),
        ("envoy.extensions.transport_sockets.tls.v3", () => global::Envoy.Extensions.TransportSockets.Tls.V3.TlsReflection.Descriptor),
        ("envoy.extensions.upstreams.http.generic.v3", () => global::Envoy.Extensions.Upstreams.Http.Generic.V3.GenericReflection.Descriptor),
        ("envoy.extensions.upstreams.http.http.v3", () => global::Envoy.Extensions.Upstreams.Http.Http.V3.HttpReflection.Descriptor),
        ("envoy.extensions.upstreams.http.tcp.v3", () => global::Envoy.Extensions.Upstreams.Http.Tcp.V3.TcpReflection.Descriptor),
        ("envoy.extensions.upstreams.http.udp.v3", () => global::Envoy.Extensions.Upstreams.Http.Udp.V3.UdpReflection.Descriptor),
        ("envoy.extensions.upstreams.http.v3", () => global::Envoy.Extensions.Upstreams.Http.V3.HttpReflection.Descriptor),
        ("envoy.extensions.upstreams.tcp.generic.v3", () => global::Envoy.Extensions.Upstreams.Tcp.Generic.V3.GenericReflection.Descriptor),
        ("envoy.extensions.wasm.v3", () => global::Envoy.Extensions.Wasm.V3.WasmReflection.Descriptor),
        ("envoy.service.accesslog.v3", () => global::Envoy.Service.Accesslog.V3.AccesslogReflection.Descriptor),
        ("envoy.service.auth.v3", () => global::Envoy.Service.Auth.V3.AuthReflection.Descriptor),
        ("envoy.service.cluster.v3", () => global::Envoy.Service.Cluster.V3.ClusterReflection.Descriptor),
        ("envoy.service.discovery.v3", () => global::Envoy.Service.Discovery.V3.DiscoveryReflection.Descriptor),
        ("envoy.service.endpoint.v3", () => global::Envoy.Service.Endpoint.V3.EndpointReflection.Descriptor),
        ("envoy.service.ext_proc.v3", () => global::Envoy.Service.ExtProc.V3.ExtProcReflection.Descriptor),
        ("envoy.service.extension.v3", () => global::Envoy.Service.Extension.V3.ExtensionReflection.Descriptor),
        ("envoy.service.health.v3", () => global::Envoy.Service.Health.V3.HealthReflection.Descriptor),
        ("envoy.service.listener.v3", () => global::Envoy.Service.Listener.V3.ListenerReflection.Descriptor),
        ("envoy.service.load_stats.v3", () => global::Envoy.Service.LoadStats.V3.LoadStatsReflection.Descriptor),
        ("envoy.service.rate_limit_quota.v3", () => global::Envoy.Service.RateLimitQuota.V3.RateLimitQuotaReflection.Descriptor),
        ("envoy.service.ratelimit.v3", () => global::Envoy.Service.Ratelimit.V3.RatelimitReflection.Descriptor),
        ("envoy.service.route.v3", () => global::Envoy.Service.Route.V3.RouteReflection.Descriptor),
        ("envoy.service.runtime.v3", () => global::Envoy.Service.Runtime.V3.RuntimeReflection.Descriptor),
        ("envoy.service.secret.v3", () => global::Envoy.Service.Secret.V3.SecretReflection.Descriptor),
        ("envoy.service.status.v3", () => global::Envoy.Service.Status.V3.StatusReflection.Descriptor),
        ("envoy.tcp.metadataexchange.config", () => global::Envoy.Tcp.Metadataexchange.Config.ConfigReflection.Descriptor),
        ("envoy.type.http.v3", () => global::Envoy.Type.Http.V3.HttpReflection.Descriptor),
        ("envoy.type.matcher.v3", () => global::Envoy.Type.Matcher.V3.MatcherReflection.Descriptor),
        ("envoy.type.metadata.v3", () => global::Envoy.Type.Metadata.V3.MetadataReflection.Descriptor),
        ("envoy.type.tracing.v3", () => global::Envoy.Type.Tracing.V3.TracingReflection.Descriptor),
        ("envoy.type.v3", () => global::Envoy.Type.V3.TypeReflection.Descriptor),
        ("google.api.expr.v1alpha1", () => global::Google.Api.Expr.V1Alpha1.ExprReflection.Descriptor),
        ("google.rpc", () => global::Google.Rpc.RpcReflection.Descriptor),
        ("grpc.health.v1", () => global::Grpc.Health.V1.HealthReflection.Descriptor),
        ("grpc.reflection.v1", () => global::Grpc.Reflection.V1.ReflectionReflection.Descriptor),
        ("grpc.reflection.v1alpha", () => global::Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor),
        ("istio.analysis.v1alpha1", () => global::Istio.Analysis.V1Alpha1.AnalysisReflection.Descriptor),
        ("istio.authentication.v1alpha1", () => global::Istio.Authentication.V1Alpha1.AuthenticationReflection.Descriptor),
        ("istio.envoy.config.filter.http.alpn.v2alpha1", () => global::Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1.AlpnReflection.Descriptor),
        ("istio.envoy.config.filter.http.authn.v2alpha1", () => global::Istio.Envoy.Config.Filter.Http.Authn.V2Alpha1.AuthnReflection.Descriptor),
        ("istio.envoy.config.filter.http.jwt_auth.v2alpha1", () => global::Istio.Envoy.Config.Filter.Http.JwtAuth.V2Alpha1.JwtAuthReflection.Descriptor),
        ("istio.envoy.config.filter.network.tcp_cluster_rewrite.v2alpha1", () => global::Istio.Envoy.Config.Filter.Network.TcpClusterRewrite.V2Alpha1.TcpClusterRewriteReflection.Descriptor),
        ("stats", () => global::Istio.Extensions.Stats.StatsReflection.Descriptor),
        ("istio.extensions.v1alpha1", () => global::Istio.Extensions.V1Alpha1.ExtensionsReflection.Descriptor),
        ("istio.mcp.v1alpha1", () => global::Istio.Mcp.V1Alpha1.McpReflection.Descriptor),
        ("istio.mesh.v1alpha1", () => global::Istio.Mesh.V1Alpha1.MeshReflection.Descriptor),
        ("istio.meta.v1alpha1", () => global::Istio.Meta.V1Alpha1.MetaReflection.Descriptor),
        ("istio.mixer.v1.config.client", () => global::Istio.Mixer.V1.Config.Client.ClientReflection.Descriptor),
        ("istio.mixer.v1", () => global::Istio.Mixer.V1.MixerReflection.Descriptor),
        ("istio.networking.v1alpha3", () => global::Istio.Networking.V1Alpha3.NetworkingReflection.Descriptor),
        ("istio.networking.v1beta1", () => global::Istio.Networking.V1Beta1.NetworkingReflection.Descriptor),
        ("istio.policy.v1beta1", () => global::Istio.Policy.V1Beta1.PolicyReflection.Descriptor),
        ("istio.rbac.v1alpha1", () => global::Istio.Rbac.V1Alpha1.RbacReflection.Descriptor),
        ("istio.security.v1beta1", () => global::Istio.Security.V1Beta1.SecurityReflection.Descriptor),
        ("istio.telemetry.v1alpha1", () => global::Istio.Telemetry.V1Alpha1.TelemetryReflection.Descriptor),
        ("istio.type.v1beta1", () => global::Istio.Type.V1Beta1.TypeReflection.Descriptor),
        ("istio.v1.auth", () => global::Istio.V1.Auth.AuthReflection.Descriptor),
        ("opentelemetry.proto.collector.logs.v1", () => global::Opentelemetry.Proto.Collector.Logs.V1.LogsReflection.Descriptor),
        ("opentelemetry.proto.collector.metrics.v1", () => global::Opentelemetry.Proto.Collector.Metrics.V1.MetricsReflection.Descriptor),
        ("opentelemetry.proto.collector.trace.v1", () => global::Opentelemetry.Proto.Collector.Trace.V1.TraceReflection.Descriptor),
        ("opentelemetry.proto.common.v1", () => global::Opentelemetry.Proto.Common.V1.CommonReflection.Descriptor),
        ("opentelemetry.proto.logs.v1", () => global::Opentelemetry.Proto.Logs.V1.LogsReflection.Descriptor),
        ("opentelemetry.proto.metrics.v1", () => global::Opentelemetry.Proto.Metrics.V1.MetricsReflection.Descriptor),
        ("opentelemetry.proto.resource.v1", () => global::Opentelemetry.Proto.Resource.V1.ResourceReflection.Descriptor),
        ("opentelemetry.proto.trace.v1", () => global::Opentelemetry.Proto.Trace.V1.TraceReflection.Descriptor),
        ("udpa.type.v1", () => global::Udpa.Type.V1.TypeReflection.Descriptor),
        ("xds.core.v3", () => global::Xds.Core.V3.CoreReflection.Descriptor),
        ("xds.data.orca.v3", () => global::Xds.Data.Orca.V3.OrcaReflection.Descriptor),
        ("xds.type.matcher.v3", () => global::Xds.Type.Matcher.V3.MatcherReflection.Descriptor),
        ("xds.type.v3", () => global::Xds.Type.V3.TypeReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.AnyReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.StructReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.DurationReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.WrappersReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.TimestampReflection.Descriptor),
        ("google.protobuf", () => global::Google.Protobuf.WellKnownTypes.EmptyReflection.Descriptor),
    ];
}
