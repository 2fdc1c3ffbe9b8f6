using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.Cors.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Http.GrpcWeb.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.RequestId.Uuid.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Clusters;
using Lateen.Pilot.Networking.Security;
using Lateen.Pilot.Push;
using Normalization = Istio.Mesh.V1Alpha1.MeshConfig.Types.ProxyPathNormalization.Types.NormalizationType;
using SlashesAction = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.PathWithEscapedSlashesAction;
using ForwardCert = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.ForwardClientCertDetails;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>On which side of a proxy a listener stands.</summary>
internal enum ListenerClass { SidecarOutbound, SidecarInbound, Gateway }

/// <summary>What distinguishes one HTTP filter chain from others: all that a cache key needs to know of it. Immutable.</summary>
internal sealed record HttpChain(ListenerClass Class, string StatPrefix, string RouteName, PortProtocol Protocol)
{
    /// <summary>Routes that stand in the listener itself; null when they come by RDS.</summary>
    public RouteConfiguration? Routes { get; init; }

    /// <summary>What the operator demands of requests.</summary>
    public WorkloadPolicies Policies { get; init; } = WorkloadPolicies.None;

    /// <summary>Whether a client may write a whole URL in the request line, as to an HTTP proxy.</summary>
    public bool AllowsAbsoluteUrl { get; init; }
}

/// <summary>The HTTP connection manager as istiod sets it (pilot/pkg/networking/core/listener.go#buildHTTPConnectionManager).</summary>
internal static class HttpConnections
{
    private const string Name = "envoy.filters.network.http_connection_manager";

    public static Filter Build(HttpChain chain, MeshSettings mesh, FilterSupport filters, bool acceptsHttp10, TelemetryPlan telemetry)
    {
        var manager = new HttpConnectionManager
        {
            StatPrefix = chain.StatPrefix + ";",
            Proxy100Continue = true,
            StreamIdleTimeout = Durations.Zero,
            UseRemoteAddress = chain.Class == ListenerClass.Gateway,
            UpgradeConfigs = { new HttpConnectionManager.Types.UpgradeConfig { UpgradeType = "websocket" } },
        };
        if (filters.HasFlag(FilterSupport.UuidRequestId))
            manager.RequestIdExtension = new() { TypedConfig = Any.Pack(new UuidRequestIdConfig { UseRequestIdForTraceSampling = true }) };
        if (chain.Routes != null) manager.RouteConfig = chain.Routes;
        else manager.Rds = new() { ConfigSource = OutboundClusters.AdsSource(), RouteConfigName = chain.RouteName };
        SetPaths(manager, mesh);
        SetIdentity(manager, chain.Class);
        if (chain.Class == ListenerClass.Gateway || acceptsHttp10 || chain.AllowsAbsoluteUrl)
            manager.HttpProtocolOptions = new() { AcceptHttp10 = acceptsHttp10 };
        if (chain.AllowsAbsoluteUrl) manager.HttpProtocolOptions.AllowAbsoluteUrl = true;
        manager.AccessLog.AddRange(AccessLogs.Of(mesh, telemetry));
        if (!telemetry.Tracing.IsEmpty) manager.Tracing = HttpConnectionManager.Types.Tracing.Parser.ParseFrom(telemetry.Tracing);
        manager.HttpFilters.AddRange(Filters(chain, mesh, filters));
        return new() { Name = Name, TypedConfig = Any.Pack(manager) };
    }

    /// <summary>The filters through which each request goes, in order.</summary>
    private static IEnumerable<HttpFilter> Filters(HttpChain chain, MeshSettings mesh, FilterSupport filters)
    {
        if (chain.Protocol == PortProtocol.GrpcWeb && filters.HasFlag(FilterSupport.GrpcWeb)) yield return Filter("envoy.filters.http.grpc_web", new GrpcWeb());
        if (JwtFilters.Build(chain.Policies, chain.Class == ListenerClass.Gateway) is { } tokens) yield return tokens;
        foreach (var rules in AuthorizationFilters.Http(chain.Policies, mesh)) yield return rules;
        if (filters.HasFlag(FilterSupport.GrpcStats))
            yield return Filter("envoy.filters.http.grpc_stats", new Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig { EmitFilterState = true, StatsForAllMethods = false });
        yield return Filter("envoy.filters.http.fault", new HTTPFault());
        yield return Filter("envoy.filters.http.cors", new Cors());
        yield return Filter("envoy.filters.http.router", new Router());
    }

    private static HttpFilter Filter(string name, IMessage config) => new() { Name = name, TypedConfig = Any.Pack(config) };

    private static void SetPaths(HttpConnectionManager manager, MeshSettings mesh)
    {
        var normalization = mesh.Config.PathNormalization?.Normalization ?? Normalization.Default;
        manager.NormalizePath = normalization != Normalization.None;
        manager.MergeSlashes = normalization is Normalization.MergeSlashes or Normalization.DecodeAndMergeSlashes;
        manager.PathWithEscapedSlashesAction =
            normalization == Normalization.DecodeAndMergeSlashes ? SlashesAction.UnescapeAndForward : SlashesAction.KeepUnchanged;
    }

    private static void SetIdentity(HttpConnectionManager manager, ListenerClass listener)
    {
        if (listener == ListenerClass.SidecarOutbound) return;
        var gateway = listener == ListenerClass.Gateway;
        manager.ServerName = "istio-envoy";
        manager.ForwardClientCertDetails = gateway ? ForwardCert.SanitizeSet : ForwardCert.AppendForward;
        manager.SetCurrentClientCertDetails = new() { Subject = true, Dns = true, Uri = true, Cert = gateway };
    }
}
