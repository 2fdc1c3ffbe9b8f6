using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf.Collections;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Compile;

/// <summary>Cluster and ClusterLoadAssignment → snapshots. Pure; what is not supported is refused with its path.</summary>
internal static class ClusterCompiler
{
    private const string HttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    public static ClusterSnapshot Compile(Cluster cluster)
    {
        if (cluster.Name.Length == 0) throw new ConfigRefusedException("name", "is empty");
        Refuse(cluster);
        var options = cluster.TypedExtensionProtocolOptions.TryGetValue(HttpOptions, out var any) ? any.Unpack<HttpProtocolOptions>() : null;
        var discovery = Discovery(cluster);
        var balancer = Balancer(cluster, discovery);
        return new ClusterSnapshot
        {
            Name = cluster.Name,
            StatName = (cluster.AltStatName.Length > 0 ? cluster.AltStatName : cluster.Name).TrimEnd(';').Replace(':', '_'),
            Discovery = discovery,
            EdsName = cluster.EdsClusterConfig?.ServiceName is { Length: > 0 } service ? service : cluster.Name,
            Balancer = balancer,
            ChoiceCount = (int)(cluster.LeastRequestLbConfig?.ChoiceCount ?? 2),
            MinRingSize = (long)(cluster.RingHashLbConfig?.MinimumRingSize ?? 1024),
            MaxRingSize = (long)(cluster.RingHashLbConfig?.MaximumRingSize ?? 8 * 1024 * 1024),
            MaglevTableSize = (int)(cluster.MaglevLbConfig?.TableSize ?? 65537),
            ConnectTimeoutMs = Durations.Ms(cluster.ConnectTimeout) ?? 5000,
            IdleTimeoutMs = Durations.Ms(options?.CommonHttpProtocolOptions?.IdleTimeout) ?? 3_600_000,
#pragma warning disable CS0612 // The older field is still sent.
            MaxRequestsPerConnection = options?.CommonHttpProtocolOptions?.MaxRequestsPerConnection ?? cluster.MaxRequestsPerConnection ?? 0,
#pragma warning restore CS0612
#pragma warning disable CS0612 // The older fields are what Istio sends.
            EnableTrailers = options?.ExplicitHttpConfig?.HttpProtocolOptions?.EnableTrailers ?? cluster.HttpProtocolOptions?.EnableTrailers ?? false,
            DnsRefreshMs = Durations.Ms(cluster.DnsRefreshRate) ?? 5000,
            RespectDnsTtl = cluster.RespectDnsTtl,
#pragma warning restore CS0612
            Default = Breakers(cluster, RoutingPriority.Default),
            High = Breakers(cluster, RoutingPriority.High),
            Outliers = Outliers(cluster.OutlierDetection),
            PanicThreshold = cluster.CommonLbConfig?.HealthyPanicThreshold?.Value ?? 50,
            LocalityWeighted = cluster.CommonLbConfig?.LocalityWeightedLbConfig is not null,
            Source = cluster.UpstreamBindConfig?.SourceAddress is { } source ? Addresses.Of(source, "upstream_bind_config.source_address") : default,
            PortOverride = (int)(cluster.OriginalDstLbConfig?.UpstreamPortOverride ?? 0),
            UseHttpHeader = cluster.OriginalDstLbConfig?.UseHttpHeader ?? false,
            KeepAlive = cluster.UpstreamConnectionOptions?.TcpKeepalive is { } keepAlive
                ? ((int)(keepAlive.KeepaliveTime ?? 0), (int)(keepAlive.KeepaliveInterval ?? 0), (int)(keepAlive.KeepaliveProbes ?? 0))
                : null,
            Endpoints = discovery is DiscoveryType.Eds or DiscoveryType.OriginalDestination || cluster.LoadAssignment is null ? [] : Endpoints(cluster.LoadAssignment, "load_assignment"),
            IstioMetadata = cluster.Metadata?.FilterMetadata.GetValueOrDefault("istio"),
            Fingerprint = Fingerprints.Of(cluster),
        };
    }

    /// <summary>The endpoints of an assignment; addresses may be names when the cluster looks them up.</summary>
    public static IReadOnlyList<EndpointConfig> Endpoints(ClusterLoadAssignment assignment, string path = "")
    {
        var endpoints = new List<EndpointConfig>();
        for (var l = 0; l < assignment.Endpoints.Count; l++)
        {
            var locality = assignment.Endpoints[l];
            for (var e = 0; e < locality.LbEndpoints.Count; e++)
            {
                var at = $"{path}{(path.Length > 0 ? "." : "")}endpoints[{l}].lb_endpoints[{e}]";
                var source = locality.LbEndpoints[e];
                var address = source.Endpoint?.Address ?? throw new ConfigRefusedException(at + ".endpoint.address", "is missing");
                var (host, port, pipe) = address.AddressCase switch
                {
                    Address.AddressOneofCase.SocketAddress => (address.SocketAddress.Address, (int)address.SocketAddress.PortValue, (string?)null),
                    Address.AddressOneofCase.Pipe => ("", 0, address.Pipe.Path),
                    var other => throw new ConfigRefusedException(at + ".endpoint.address", $"{other} is not supported"),
                };
                endpoints.Add(new EndpointConfig(
                    host, port, pipe, source.Endpoint.Hostname, (int)Math.Max(1, source.LoadBalancingWeight ?? 1),
                    source.HealthStatus is HealthStatus.Unknown or HealthStatus.Healthy, locality.Locality?.Region ?? "", locality.Locality?.Zone ?? "",
                    locality.Locality?.SubZone ?? "", (int)locality.Priority, (int)(locality.LoadBalancingWeight ?? 0), Labels(source.Metadata)));
            }
        }
        return endpoints;
    }

    private static void Refuse(Cluster cluster)
    {
        if (cluster.TransportSocket is { } socket && socket.TypedConfig?.TypeUrl.EndsWith("RawBuffer", StringComparison.Ordinal) != true)
            throw new ConfigRefusedException("transport_socket", $"{socket.Name} is not supported: upstream TLS is not there yet");
        foreach (var match in cluster.TransportSocketMatches)
            if (match.TransportSocket?.TypedConfig?.TypeUrl.EndsWith("RawBuffer", StringComparison.Ordinal) != true)
                throw new ConfigRefusedException("transport_socket_matches", $"{match.TransportSocket?.Name} is not supported: upstream TLS is not there yet");
        if (cluster.LbSubsetConfig is not null) throw new ConfigRefusedException("lb_subset_config", "is not supported");
        if (cluster.HealthChecks.Count > 0) throw new ConfigRefusedException("health_checks", "are not supported");
        if (cluster.LoadBalancingPolicy is not null) throw new ConfigRefusedException("load_balancing_policy", "is not supported: set lb_policy");
    }

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

    private static BalancerKind Balancer(Cluster cluster, DiscoveryType discovery) => cluster.LbPolicy switch
    {
        _ when discovery == DiscoveryType.OriginalDestination => BalancerKind.OriginalDestination,
        Cluster.Types.LbPolicy.RoundRobin => BalancerKind.RoundRobin,
        Cluster.Types.LbPolicy.LeastRequest => BalancerKind.LeastRequest,
        Cluster.Types.LbPolicy.Random => BalancerKind.Random,
        Cluster.Types.LbPolicy.RingHash => BalancerKind.RingHash,
        Cluster.Types.LbPolicy.Maglev => BalancerKind.Maglev,
        var other => throw new ConfigRefusedException("lb_policy", $"{other} is not supported"),
    };

    private static Thresholds Breakers(Cluster cluster, RoutingPriority priority)
    {
        var given = cluster.CircuitBreakers?.Thresholds.FirstOrDefault(threshold => threshold.Priority == priority);
        return given is null ? new Thresholds() : new Thresholds(given.MaxConnections ?? 1024, given.MaxPendingRequests ?? 1024, given.MaxRequests ?? 1024, given.MaxRetries ?? 3);
    }

    private static OutlierSettings? Outliers(Envoy.Config.Cluster.V3.OutlierDetection? outliers) => outliers is null ? null : new OutlierSettings(
        (int)(outliers.Consecutive5Xx ?? 5), (int)(outliers.EnforcingConsecutive5Xx ?? 100),
        (int)(outliers.ConsecutiveGatewayFailure ?? 5), (int)(outliers.EnforcingConsecutiveGatewayFailure ?? 0),
        Durations.Ms(outliers.Interval) ?? 10_000, Durations.Ms(outliers.BaseEjectionTime) ?? 30_000, Durations.Ms(outliers.MaxEjectionTime) ?? 300_000,
        (int)(outliers.MaxEjectionPercent ?? 10));

    private static IReadOnlyDictionary<string, string> Labels(Metadata? metadata) =>
        metadata?.FilterMetadata.TryGetValue("envoy.lb", out var lb) == true
            ? lb.Fields.ToDictionary(field => field.Key, field => field.Value.StringValue)
            : new Dictionary<string, string>();

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
        Network.SocketAddress.TryParse(address.Address, (int)address.PortValue, out var parsed)
            ? parsed
            : throw new ConfigRefusedException(path, $"'{address.Address}' is not an IP address");
}
