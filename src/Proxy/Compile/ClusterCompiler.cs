using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf.Collections;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;
using Lateen.Api;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Proxy.Compile;

/// <summary>Cluster and ClusterLoadAssignment → snapshots. Pure; what is not supported is refused with its path.</summary>
internal static class ClusterCompiler
{
    private const string HttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    /// <summary>Compiles a cluster by itself: its secrets and counters are nobody else's.</summary>
    public static ClusterSnapshot Compile(Cluster cluster) =>
        Compile(cluster, new TransportCompiler(new Stats.StatsStore(1), new SecretStore(NullLogger.Instance), NullLogger.Instance));

    public static ClusterSnapshot Compile(Cluster cluster, TransportCompiler transports)
    {
        if (cluster.Name.Length == 0) throw new ConfigRefusedException("name", "is empty");
        Refuse(cluster);
        var options = cluster.TypedExtensionProtocolOptions.TryGetValue(HttpOptions, out var any) ? any.Read<HttpProtocolOptions>() : null;
        var protocols = UpstreamProtocols.Compile(cluster, options);
        if (protocols.Protocol == UpstreamProtocol.Http1 && cluster.HealthChecks.Any(check => check.GrpcHealthCheck is not null)) throw new ConfigRefusedException("health_checks", "gRPC needs a cluster that speaks HTTP/2");
        var discovery = Discovery(cluster);
        var balancer = BalancerCompiler.Compile(cluster, discovery);
        return new ClusterSnapshot
        {
            Name = cluster.Name,
            StatName = StatNameOf(cluster),
            Discovery = discovery,
            EdsName = cluster.EdsClusterConfig?.ServiceName is { Length: > 0 } service ? service : cluster.Name,
            Balancer = balancer.Settings,
            Rules = balancer.Rules,
            Subsets = balancer.Subsets,
            ConnectTimeoutMs = Durations.Ms(cluster.ConnectTimeout) ?? 5000,
            IdleTimeoutMs = Durations.Ms(options?.CommonHttpProtocolOptions?.IdleTimeout) ?? 3_600_000,
#pragma warning disable CS0612 // The older field is still sent.
            MaxRequestsPerConnection = options?.CommonHttpProtocolOptions?.MaxRequestsPerConnection ?? cluster.MaxRequestsPerConnection ?? 0,
#pragma warning restore CS0612
#pragma warning disable CS0612 // The older fields are what Istio sends.
            EnableTrailers = protocols.EnableTrailers,
            Protocol = protocols.Protocol,
            Http2 = protocols.Http2,
            DnsRefreshMs = Durations.Ms(cluster.DnsRefreshRate) ?? 5000,
            DnsJitterMs = Durations.Ms(cluster.DnsJitter) ?? 0,
            DnsFailureRefreshMs = FailureRefresh(cluster.DnsFailureRefreshRate),
            RespectDnsTtl = cluster.RespectDnsTtl,
#pragma warning restore CS0612
            Family = cluster.DnsLookupFamily switch
            {
                Cluster.Types.DnsLookupFamily.V4Only => NameFamily.V4Only,
                Cluster.Types.DnsLookupFamily.V6Only => NameFamily.V6Only,
                Cluster.Types.DnsLookupFamily.V4Preferred => NameFamily.V4Preferred,
                Cluster.Types.DnsLookupFamily.All => NameFamily.All,
                _ => NameFamily.Auto,
            },
            Default = Breakers(cluster, RoutingPriority.Default),
            High = Breakers(cluster, RoutingPriority.High),
            Outliers = OutlierCompiler.Compile(cluster.OutlierDetection),
            Check = HealthCheckCompiler.Compile(cluster),
            IgnoreHealthOnRemoval = cluster.IgnoreHealthOnHostRemoval,
            CloseOnHealthFailure = cluster.CloseConnectionsOnHostHealthFailure,
            CloseOnHostChange = cluster.CommonLbConfig?.CloseConnectionsOnHostSetChange ?? false,
            IgnoreNewHosts = cluster.CommonLbConfig?.IgnoreNewHostsUntilFirstHc ?? false,
            BoundHealth = BoundHealth(cluster.CommonLbConfig?.OverrideHostStatus),
            Source = cluster.UpstreamBindConfig?.SourceAddress is { } source ? Addresses.Of(source, "upstream_bind_config.source_address") : default,
            PortOverride = (int)(cluster.OriginalDstLbConfig?.UpstreamPortOverride ?? 0),
            DestinationHeader = cluster.OriginalDstLbConfig is { UseHttpHeader: true } header ? header.HttpHeaderName.Length > 0 ? header.HttpHeaderName.ToLowerInvariant() : "x-envoy-original-dst-host" : "",
            CleanupMs = Durations.Ms(cluster.CleanupInterval) ?? 5000,
            KeepAlive = cluster.UpstreamConnectionOptions?.TcpKeepalive is { } keepAlive
                ? ((int)(keepAlive.KeepaliveTime ?? 0), (int)(keepAlive.KeepaliveInterval ?? 0), (int)(keepAlive.KeepaliveProbes ?? 0))
                : null,
            Endpoints = discovery is DiscoveryType.Eds or DiscoveryType.OriginalDestination || cluster.LoadAssignment is null ? [] : Endpoints(cluster, discovery),
            IstioMetadata = cluster.Metadata?.FilterMetadata.GetValueOrDefault("istio"),
            Transports = new TransportSet(
                [
                    .. cluster.TransportSocketMatches.Select((match, i) => new TransportMatch(
                        match.Name, [.. match.Match?.Fields.Select(field => System.Collections.Generic.KeyValuePair.Create(field.Key, SubsetCompiler.Text(field.Value))) ?? []],
                        transports.Upstream(match.TransportSocket, $"transport_socket_matches[{i}].transport_socket", $"cluster.{StatNameOf(cluster)}."))),
                ],
                transports.Upstream(cluster.TransportSocket, "transport_socket", $"cluster.{StatNameOf(cluster)}.")),
            Fingerprint = Fingerprints.Of(cluster),
        };
    }

    /// <summary>The endpoints of an assignment; addresses may be names when the cluster looks them up.</summary>
    public static IReadOnlyList<EndpointConfig> Endpoints(ClusterLoadAssignment assignment, string path = "") => EndpointCompiler.Compile(assignment, path);

    private static void Refuse(Cluster cluster)
    {
        if (cluster.Type == Cluster.Types.DiscoveryType.OriginalDst && cluster.LoadAssignment is not null) throw new ConfigRefusedException("load_assignment", "a cluster of type ORIGINAL_DST has none");
        if (cluster.Type == Cluster.Types.DiscoveryType.LogicalDns && cluster.LoadAssignment is null) throw new ConfigRefusedException("load_assignment", "is missing: a cluster of type LOGICAL_DNS has exactly one endpoint");
        if (cluster.OriginalDstLbConfig?.MetadataKey is not null) throw new ConfigRefusedException("original_dst_lb_config.metadata_key", "is not supported");
#pragma warning disable CS0612 // Older fields that some still send.
        if (cluster.DnsResolvers.Count > 0) throw new ConfigRefusedException("dns_resolvers", "are not supported: names are looked up with the system's");
        if (cluster.DnsResolutionConfig is { Resolvers.Count: > 0 }) throw new ConfigRefusedException("dns_resolution_config.resolvers", "are not supported: names are looked up with the system's");
#pragma warning restore CS0612
    }

    private static string StatNameOf(Cluster cluster) => (cluster.AltStatName.Length > 0 ? cluster.AltStatName : cluster.Name).Replace(':', '_');

    private static DiscoveryType Discovery(Cluster cluster)
    {
        if (cluster.ClusterType is not null) throw new ConfigRefusedException("cluster_type", $"{cluster.ClusterType.Name} is not supported");
        return cluster.Type switch
        {
            Cluster.Types.DiscoveryType.Static => DiscoveryType.Static,
            Cluster.Types.DiscoveryType.StrictDns => DiscoveryType.StrictDns,
            Cluster.Types.DiscoveryType.LogicalDns => DiscoveryType.LogicalDns,
            Cluster.Types.DiscoveryType.Eds => DiscoveryType.Eds,
            Cluster.Types.DiscoveryType.OriginalDst => DiscoveryType.OriginalDestination,
            var other => throw new ConfigRefusedException("type", $"{other} is not supported"),
        };
    }

    private static IReadOnlyList<EndpointConfig> Endpoints(Cluster cluster, DiscoveryType discovery)
    {
        var assignment = cluster.LoadAssignment;
        if (discovery == DiscoveryType.LogicalDns && (assignment.Endpoints.Count != 1 || assignment.Endpoints[0].LbEndpoints.Count != 1))
            throw new ConfigRefusedException("load_assignment", "a cluster of type LOGICAL_DNS has exactly one locality with exactly one endpoint");
        return Endpoints(assignment, "load_assignment");
    }

    private static (long, long)? FailureRefresh(Cluster.Types.RefreshRate? rate)
    {
        if (rate is null) return null;
        var least = Durations.Ms(rate.BaseInterval) ?? throw new ConfigRefusedException("dns_failure_refresh_rate.base_interval", "is missing");
        var most = Durations.Ms(rate.MaxInterval) ?? least * 10;
        return most < least ? throw new ConfigRefusedException("dns_failure_refresh_rate.max_interval", "is less than base_interval") : (least, most);
    }

    private static int BoundHealth(HealthStatusSet? statuses)
    {
        if (statuses is null) return new ClusterSnapshot { Name = "", StatName = "" }.BoundHealth;
        var bits = 0;
        foreach (var status in statuses.Statuses) bits |= 1 << (int)EndpointCompiler.Health(status);
        return bits;
    }

    private static Thresholds Breakers(Cluster cluster, RoutingPriority priority)
    {
        var given = cluster.CircuitBreakers?.Thresholds.FirstOrDefault(threshold => threshold.Priority == priority);
        if (cluster.CircuitBreakers?.PerHostThresholds.Count > 0) throw new ConfigRefusedException("circuit_breakers.per_host_thresholds", "are not supported");
        if (given is null) return new Thresholds();
        return new Thresholds(given.MaxConnections ?? 1024, given.MaxPendingRequests ?? 1024, given.MaxRequests ?? 1024, given.MaxRetries ?? 3)
        {
            RetryBudget = given.RetryBudget is { } budget ? (budget.BudgetPercent?.Value ?? 20, budget.MinRetryConcurrency ?? 3) : null,
            TrackRemaining = given.TrackRemaining,
        };
    }

    private static T? GetValueOrDefault<T>(this MapField<string, T> map, string key)
        where T : class => map.TryGetValue(key, out var value) ? value : null;
}

/// <summary>Addresses of the API in the proxy's own form.</summary>
internal static class Addresses
{
    public static Network.SocketAddress Of(Address address, string path) => address.AddressCase switch
    {
        Address.AddressOneofCase.SocketAddress => Of(address.SocketAddress, path),
        Address.AddressOneofCase.Pipe => Network.SocketAddress.Unix(address.Pipe.Path),
        var other => throw new ConfigRefusedException(path, $"{other} is not supported"),
    };

    public static Network.SocketAddress Of(SocketAddress address, string path) =>
        address.PortSpecifierCase == SocketAddress.PortSpecifierOneofCase.NamedPort ? throw new ConfigRefusedException(path + ".named_port", "is not supported")
            : Network.SocketAddress.TryParse(address.Address, (int)address.PortValue, out var parsed)
                ? parsed
                : throw new ConfigRefusedException(path, $"'{address.Address}' is not an IP address");
}
