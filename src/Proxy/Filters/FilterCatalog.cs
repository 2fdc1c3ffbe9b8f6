using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http;
using Lateen.Proxy.Filters.Http.Buffering;
using Lateen.Proxy.Filters.Http.Compression;
using Lateen.Proxy.Filters.Http.Cors;
using Lateen.Proxy.Filters.Http.Csrf;
using Lateen.Proxy.Filters.Http.ExtAuthz;
using Lateen.Proxy.Filters.Http.ExtProc;
using Lateen.Proxy.Filters.Http.Fault;
using Lateen.Proxy.Filters.Http.FilterStates;
using Lateen.Proxy.Filters.Http.HeaderMutation;
using Lateen.Proxy.Filters.Http.HealthCheck;
using Lateen.Proxy.Filters.Http.StatefulSession;
using Lateen.Proxy.Filters.Http.JwtAuthn;
using Lateen.Proxy.Filters.Http.LocalRateLimit;
using Lateen.Proxy.Filters.Http.Metadata;
using Lateen.Proxy.Filters.Http.Alpn;
using Lateen.Proxy.Filters.Http.GrpcStats;
using Lateen.Proxy.Filters.Http.GrpcWeb;
using Lateen.Proxy.Filters.Http.IstioStats;
using Lateen.Proxy.Filters.Http.PeerMetadata;
using Lateen.Proxy.Filters.Http.RateLimit;
using Lateen.Proxy.Filters.Http.Rbac;
using Lateen.Proxy.Filters.Network;
using Lateen.Proxy.Filters.Network.ExtAuthz;
using Lateen.Proxy.Filters.Network.Limits;
using Lateen.Proxy.Filters.Network.Rbac;
using Lateen.Proxy.Filters.Network.SniCluster;
using Lateen.Proxy.Http.Connections;
using HttpV3 = Envoy.Extensions.Filters.Http;
using NetworkV3 = Envoy.Extensions.Filters.Network;

namespace Lateen.Proxy.Filters;

/// <summary>
/// All HTTP filters and network filters, a line each: the type of a filter's configuration and how it is compiled, and the same for the configuration
/// that a route gives it. The router is not one of them: the connection manager runs it behind all others. Immutable.
/// </summary>
internal static class FilterCatalog
{
    private static readonly Dictionary<string, HttpFilterFactory> Filters = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, RouteConfigFactory> RouteConfigs = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, NetworkFilterFactory> NetworkFilters = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal);

    static FilterCatalog()
    {
        Add<HttpV3.Fault.V3.HTTPFault>((config, path, context) => new FaultFilter(context.Name, config.Abort is null && config.Delay is null ? null : FaultSettings.Compile(config, path)));
        AddRoute<HttpV3.Fault.V3.HTTPFault>(FaultSettings.Compile);
        Add<HttpV3.Cors.V3.Cors>((_, _, context) => new CorsFilter(context.Name));
        AddRoute<HttpV3.Cors.V3.CorsPolicy>(CorsPolicy.Compile);
        Add<HttpV3.Rbac.V3.RBAC>(RbacFilter.Compile);
        AddRoute<HttpV3.Rbac.V3.RBACPerRoute>(RbacRouteConfig.Compile);
        Add<HttpV3.JwtAuthn.V3.JwtAuthentication>((config, path, context) => new JwtAuthnFilter(config, path, context));
        AddRoute<HttpV3.JwtAuthn.V3.PerRouteConfig>(JwtRouteConfig.Compile);
        Add<HttpV3.ExtAuthz.V3.ExtAuthz>((config, path, context) => new ExtAuthzFilter(context.Name, ExtAuthzSettings.Compile(config, path, context)));
        AddRoute<HttpV3.ExtAuthz.V3.ExtAuthzPerRoute>(ExtAuthzRoute.Compile);
        Add<HttpV3.Buffer.V3.Buffer>((config, path, context) => new BufferFilter(context.Name, BufferRoute.Limit(config, path)));
        AddRoute<HttpV3.Buffer.V3.BufferPerRoute>(BufferRoute.Compile);
        Add<HttpV3.GrpcWeb.V3.GrpcWeb>((_, _, _) => new GrpcWebFilter());
        Add<HttpV3.Compressor.V3.Compressor>((config, path, context) => new CompressorFilter(context.Name, CompressorSettings.Compile(config, path, context)));
        AddRoute<HttpV3.Compressor.V3.CompressorPerRoute>(CompressorRoute.Compile);
        Add<HttpV3.LocalRatelimit.V3.LocalRateLimit>((config, path, context) => new LocalRateLimitFilter(context.Name, LocalRateLimitSettings.Compile(config, path, context.Stats)));
        AddRoute<HttpV3.LocalRatelimit.V3.LocalRateLimit>((config, path) => new LocalRateLimitRoute(config, path));
        Add<HttpV3.ExtProc.V3.ExternalProcessor>((config, path, context) => new ExtProcFilter(context.Name, ExtProcSettings.Compile(config, path, context)));
        AddRoute<HttpV3.ExtProc.V3.ExtProcPerRoute>(ExtProcRoute.Compile);
        Add<HttpV3.Ratelimit.V3.RateLimit>((config, path, context) => new RateLimitFilter(context.Name, RateLimitSettings.Compile(config, path)));
        AddRoute<HttpV3.Ratelimit.V3.RateLimitPerRoute>(RateLimitRoute.Compile);
        Add<HttpV3.Csrf.V3.CsrfPolicy>((config, path, context) => new CsrfFilter(context.Name, CsrfRules.Compile(config, path), context.Stats.Group(context.StatPrefix + "csrf.", CsrfStats.Create)));
        AddRoute<HttpV3.Csrf.V3.CsrfPolicy>(CsrfRules.Compile);
        Add<HttpV3.HeaderToMetadata.V3.Config>((config, path, context) => new HeaderToMetadataFilter(context.Name, HeaderToMetadataRules.Compile(config, path)));
        AddRoute<HttpV3.HeaderToMetadata.V3.Config>(HeaderToMetadataRules.Compile);
        Add<HttpV3.HeaderMutation.V3.HeaderMutation>((config, path, context) => new HeaderMutationFilter(context.Name, Changes.Compile(config.Mutations, path + ".mutations"), config.MostSpecificHeaderMutationsWins));
        AddRoute<HttpV3.HeaderMutation.V3.HeaderMutationPerRoute>((config, path) => Changes.Compile(config.Mutations, path + ".mutations"));
        Add<HttpV3.SetFilterState.V3.Config>((config, path, _) => new SetFilterStateFilter(config, path));
        Add<HttpV3.StatefulSession.V3.StatefulSession>((config, path, context) => new StatefulSessionFilter(context.Name, SessionSettings.Compile(config, path)));
        AddRoute<HttpV3.StatefulSession.V3.StatefulSessionPerRoute>(SessionRoute.Compile);
        Add<HttpV3.SetMetadata.V3.Config>((config, path, _) => new SetMetadataFilter(config, path));
        Add<HttpV3.HealthCheck.V3.HealthCheck>((config, path, _) => new HealthCheckFilter(config, path));
        Add<HttpV3.GrpcStats.V3.FilterConfig>(GrpcStatsFilter.Compile);
        Add<global::Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1.FilterConfig>(AlpnFilter.Compile);
        Add<global::Istio.Extensions.Stats.PluginConfig>(IstioStatsFilter.Compile);

        Refuse("envoy.extensions.filters.http.lua.v3.Lua", "there is no Lua in the proxy");
        Refuse("envoy.extensions.filters.http.wasm.v3.Wasm", "there is no WebAssembly in the proxy");
        Refuse("envoy.extensions.filters.http.on_demand.v3.OnDemand", "all resources are subscribed to beforehand");
        Refuse("envoy.extensions.filters.http.original_src.v3.OriginalSrc", "upstream connections are shared and cannot have the address of one client");

        AddNetwork<NetworkV3.Rbac.V3.RBAC>(NetworkRbacFilter.Compile);
        AddNetwork<NetworkV3.ConnectionLimit.V3.ConnectionLimit>(ConnectionLimitFilter.Compile);
        AddNetwork<NetworkV3.LocalRatelimit.V3.LocalRateLimit>(NetworkRateLimitFilter.Compile);
        AddNetwork<NetworkV3.SniCluster.V3.SniCluster>((_, _, _) => new SniClusterFilter());
        AddNetwork<NetworkV3.ExtAuthz.V3.ExtAuthz>(NetworkExtAuthzFilter.Compile);
        AddNetwork<global::Istio.Extensions.Stats.PluginConfig>(IstioTcpStatsFilter.Compile);
    }

    /// <summary>Makes a filter; null for one that has nothing to do.</summary>
    private delegate IHttpFilter? HttpFilterFactory(Any config, string path, FilterContext context);

    /// <summary>Makes a network filter.</summary>
    private delegate INetworkFilter NetworkFilterFactory(Any config, string path, FilterContext context);

    /// <summary>Compiles what a route says to a filter.</summary>
    private delegate object RouteConfigFactory(Any config, string path);

    /// <summary>
    /// Compiles one entry of http_filters; null when there is nothing to run. Optional filters of unknown types are left out.
    /// </summary>
    public static HttpFilterSlot? Compile(HttpFilter filter, string path, FilterContext context)
    {
        if (filter.Name.Length == 0) throw new ConfigRefusedException(path + ".name", "the name is empty");
        if (filter.ConfigTypeCase != HttpFilter.ConfigTypeOneofCase.TypedConfig) throw new ConfigRefusedException(path, $"{filter.Name} has no typed_config");
        var made = Compile(filter.TypedConfig, filter.IsOptional, path, context);
        return made is null ? null : new HttpFilterSlot(filter.Name, made, filter.Disabled);
    }

    /// <summary>Compiles a filter's configuration, wherever it came from.</summary>
    public static IHttpFilter? Compile(Any config, bool isOptional, string path, FilterContext context)
    {
        if (TypedStructs.Find(config) is ({ } name, var value) && name == PeerMetadataSettings.TypeName)
            return new PeerMetadataFilter(PeerMetadataSettings.Of(value, path + ".typed_config.value"), context);
        config = TypedStructs.Unwrap(config, path + ".typed_config");
        if (Filters.TryGetValue(Any.GetTypeName(config.TypeUrl), out var factory)) return factory(config, path + ".typed_config", context);
        if (isOptional) return null;
        throw new ConfigRefusedException(path, $"the HTTP filter {context.Name} ({config.TypeUrl}) is not supported{Reason(config)}");
    }

    /// <summary>Compiles what a route, virtual host or cluster says to a filter; null for an optional one of an unknown type.</summary>
    public static object? CompileForRoute(Any config, bool isOptional, string path)
    {
        if (RouteConfigs.TryGetValue(Any.GetTypeName(config.TypeUrl), out var factory)) return factory(config, path);
        if (isOptional) return null;
        throw new ConfigRefusedException(path, $"{config.TypeUrl} is not the configuration of a filter that can be set for a route{Reason(config)}");
    }

    /// <summary>Compiles a network filter that stands in front of the chain's last; null for a type that is none.</summary>
    public static INetworkFilter? CompileNetwork(Any config, string path, FilterContext context)
    {
        config = TypedStructs.Unwrap(config, path + ".typed_config");
        return NetworkFilters.TryGetValue(Any.GetTypeName(config.TypeUrl), out var factory) ? factory(config, path + ".typed_config", context) : null;
    }

    private static string Reason(Any config) => Refused.TryGetValue(Any.GetTypeName(config.TypeUrl), out var reason) ? ": " + reason : "";

    /// <summary>Says why a known type is not here.</summary>
    private static void Refuse(string type, string reason) => Refused.Add(type, reason);

    private static void Add<T>(Func<T, string, FilterContext, IHttpFilter?> create)
        where T : class, IMessage<T>, new() =>
        Filters.Add(AnyRegistry.NameOf<T>(), (config, path, context) => create(Unpack<T>(config, path), path, context));

    private static void AddNetwork<T>(Func<T, string, FilterContext, INetworkFilter> create)
        where T : class, IMessage<T>, new() =>
        NetworkFilters.Add(AnyRegistry.NameOf<T>(), (config, path, context) => create(Unpack<T>(config, path), path, context));

    private static void AddRoute<T>(Func<T, string, object> compile)
        where T : class, IMessage<T>, new() =>
        RouteConfigs.Add(AnyRegistry.NameOf<T>(), (config, path) => compile(Unpack<T>(config, path), path));

    private static T Unpack<T>(Any config, string path)
        where T : class, IMessage<T>, new()
    {
        try
        {
            // Whoever calls has found this by the type's name.
            var message = new T();
            message.MergeFrom(config.Value);
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ConfigRefusedException(path, $"cannot be read as {config.TypeUrl}: {e.Message}");
        }
    }
}
