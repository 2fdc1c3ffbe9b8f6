using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>
/// Limits, timeouts and the upstream protocol of a cluster (pilot/pkg/networking/core/cluster_traffic_policy.go).
/// </summary>
internal static class ConnectionPools
{
    private const string HttpOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    public static CircuitBreakers Unlimited() => new() { Thresholds = { UnlimitedThresholds() } };

    /// <summary>Applies the settings; <paramref name="protocol"/> is what the upstream speaks.</summary>
    public static void Apply(Cluster cluster, MeshSettings mesh, EffectivePolicy policy, PortProtocol protocol, bool inbound, bool router = false)
    {
        var tcp = policy.ConnectionPool?.Tcp;
        var http = policy.ConnectionPool?.Http;
        cluster.ConnectTimeout = tcp?.ConnectTimeout ?? mesh.ConnectTimeout;
        cluster.CircuitBreakers = new() { Thresholds = { Thresholds(tcp, http, policy.RetryBudget) } };
        if (Keepalive(mesh.Config.TcpKeepalive, tcp?.TcpKeepalive) is { } keepalive)
            cluster.UpstreamConnectionOptions = new() { TcpKeepalive = keepalive };
        if (HttpOptions(mesh, policy, protocol, inbound, router) is { } options)
            cluster.TypedExtensionProtocolOptions[HttpOptionsKey] = Any.Pack(options);
    }

    /// <summary>Connections that follow the protocol of the client, for destinations that nobody described.</summary>
    public static void FollowClient(Cluster cluster, MeshSettings mesh)
    {
        if (Keepalive(mesh.Config.TcpKeepalive, null) is { } keepalive) cluster.UpstreamConnectionOptions = new() { TcpKeepalive = keepalive };
        cluster.TypedExtensionProtocolOptions[HttpOptionsKey] = Any.Pack(new HttpProtocolOptions
        {
            CommonHttpProtocolOptions = new() { IdleTimeout = Durations.Seconds(300) },
            UseDownstreamProtocolConfig = new() { HttpProtocolOptions = new(), Http2ProtocolOptions = new() },
        });
    }

    private static CircuitBreakers.Types.Thresholds UnlimitedThresholds() =>
        new() { MaxConnections = uint.MaxValue, MaxPendingRequests = uint.MaxValue, MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue };

    private static CircuitBreakers.Types.Thresholds Thresholds(
        ConnectionPoolSettings.Types.TCPSettings? tcp, ConnectionPoolSettings.Types.HTTPSettings? http, TrafficPolicy.Types.RetryBudget? budget)
    {
        var thresholds = UnlimitedThresholds();
        if (tcp is { MaxConnections: > 0 }) thresholds.MaxConnections = (uint)tcp.MaxConnections;
        if (http is { Http1MaxPendingRequests: > 0 }) thresholds.MaxPendingRequests = (uint)http.Http1MaxPendingRequests;
        if (http is { Http2MaxRequests: > 0 }) thresholds.MaxRequests = (uint)http.Http2MaxRequests;
        if (http is { MaxRetries: > 0 }) thresholds.MaxRetries = (uint)http.MaxRetries;
        if (budget != null)
            thresholds.RetryBudget = new()
            {
                BudgetPercent = new Envoy.Type.V3.Percent { Value = budget.Percent ?? 20 },
                MinRetryConcurrency = budget.MinRetryConcurrency > 0 ? budget.MinRetryConcurrency : 3,
            };
        return thresholds;
    }

    private static TcpKeepalive? Keepalive(
        ConnectionPoolSettings.Types.TCPSettings.Types.TcpKeepalive? mesh, ConnectionPoolSettings.Types.TCPSettings.Types.TcpKeepalive? own)
    {
        if (mesh == null && own == null) return null;
        var result = new TcpKeepalive();
        foreach (var settings in new[] { mesh, own })
        {
            if (settings == null) continue;
            if (settings.Probes > 0) result.KeepaliveProbes = settings.Probes;
            if (settings.Time != null) result.KeepaliveTime = (uint)settings.Time.Seconds;
            if (settings.Interval != null) result.KeepaliveInterval = (uint)settings.Interval.Seconds;
        }
        return result;
    }

    private static HttpProtocolOptions? HttpOptions(MeshSettings mesh, EffectivePolicy policy, PortProtocol protocol, bool inbound, bool router)
    {
        var tcp = policy.ConnectionPool?.Tcp;
        var http = policy.ConnectionPool?.Http;
        var options = new HttpProtocolOptions();
        Http2ProtocolOptions? http2 = null;
        if (http is { UseClientProtocol: true } || (protocol == PortProtocol.Unsupported && !router && !Upgrades(mesh, http, protocol, inbound)))
            options.UseDownstreamProtocolConfig = new() { HttpProtocolOptions = new(), Http2ProtocolOptions = new() };
        else if (protocol.IsHttp2() || Upgrades(mesh, http, protocol, inbound))
            options.ExplicitHttpConfig = new() { Http2ProtocolOptions = http2 = new() };

        var common = new Envoy.Config.Core.V3.HttpProtocolOptions();
        var idle = http?.IdleTimeout ?? tcp?.IdleTimeout;
        if (idle != null) common.IdleTimeout = idle;
        if (http is { MaxRequestsPerConnection: > 0 }) common.MaxRequestsPerConnection = (uint)http.MaxRequestsPerConnection;
        if (tcp?.MaxConnectionDuration != null) common.MaxConnectionDuration = tcp.MaxConnectionDuration;
        if (common.CalculateSize() > 0) options.CommonHttpProtocolOptions = common;
        if (http2 != null && http is { MaxConcurrentStreams: > 0 }) http2.MaxConcurrentStreams = (uint)http.MaxConcurrentStreams;
        if (http2 != null && http?.Http2KeepAlive is { } keepalive)
            http2.ConnectionKeepalive = new() { Interval = keepalive.Interval, Timeout = keepalive.Timeout };
        return options.CalculateSize() == 0 ? null : options;
    }

    private static bool Upgrades(MeshSettings mesh, ConnectionPoolSettings.Types.HTTPSettings? http, PortProtocol protocol, bool inbound)
    {
        if (inbound) return false;
        return http?.H2UpgradePolicy switch
        {
            _ when http is { UseClientProtocol: true } => false,
            ConnectionPoolSettings.Types.HTTPSettings.Types.H2UpgradePolicy.Upgrade => true,
            ConnectionPoolSettings.Types.HTTPSettings.Types.H2UpgradePolicy.DoNotUpgrade => false,
            _ => protocol.IsHttp() && mesh.Config.H2UpgradePolicy == Istio.Mesh.V1Alpha1.MeshConfig.Types.H2UpgradePolicy.Upgrade,
        };
    }
}
