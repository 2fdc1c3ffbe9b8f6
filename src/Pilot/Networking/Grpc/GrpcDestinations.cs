using Envoy.Config.Cluster.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Clusters;
using Lateen.Pilot.Networking.Routes;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Grpc;

/// <summary>
/// The routes and clusters to which the listeners of a gRPC program lead, of fields that gRPC libraries know
/// (pilot/pkg/networking/grpcgen/rds.go, cds.go; gRFC A27, A28). Shared by all programs for which they would be equal; any thread.
/// </summary>
internal static class GrpcDestinations
{
    /// <summary>The routes to one service, whatever a request calls it: a program asks for them by its cluster's name.</summary>
    public static EncodedResource Route(Client client, string name) =>
        client.Scope.Generated.GetOnce(new RouteKey(name, client.Facets.DnsDomain, client.Facets.Selected), (client, name), static s => BuildRoute(s.client, s.name));

    /// <summary>The clusters of these names, or all; names that no service or subset has are left out.</summary>
    public static EncodedResource[] Clusters(Client client, IEnumerable<string>? names) =>
        [.. (names ?? AllNames(client)).Order(StringComparer.Ordinal).Select(n => Cluster(client, n)).OfType<EncodedResource>()];

    private sealed record RouteKey(string Name, string DnsDomain, string Selected);

    private sealed record ClusterKey(string Name, DestinationRuleEntry? Rule, MeshSettings Mesh);

    private static IEnumerable<string> AllNames(Client client)
    {
        foreach (var service in client.Scope.Services.All)
            foreach (var port in service.Ports)
            {
                yield return ClusterName.Outbound(port.Port, "", service.Hostname);
                foreach (var subset in client.RuleFor(service.Hostname)?.Rule.Subsets ?? []) yield return ClusterName.Outbound(port.Port, subset.Name, service.Hostname);
            }
    }

    private static EncodedResource BuildRoute(Client client, string name)
    {
        if (!ClusterName.TryParse(name, out var cluster) || client.Scope.EgressFor(cluster.Port, "") is not { } egress) return SidecarRoutes.Encode(name, []);
        return new HostBuilder(client, egress, cluster.Port).Single(cluster.Hostname) is { } host ? SidecarRoutes.Encode(name, [host]) : SidecarRoutes.Encode(name, []);
    }

    private static EncodedResource? Cluster(Client client, string name)
    {
        if (!ClusterName.TryParse(name, out var parsed) || client.Scope.Services.Find(parsed.Hostname) is not { } service) return null;
        if (service.PortByNumber(parsed.Port) is not { } port || port.Protocol == PortProtocol.Udp) return null;
        var rule = client.RuleFor(parsed.Hostname);
        var subset = parsed.Subset.Length > 0 ? rule?.FindSubset(parsed.Subset) : null;
        if (subset == null && parsed.Subset.Length > 0) return null;
        var policy = TrafficPolicies.For(rule?.Rule, subset, parsed.Port);
        // Plain text where encryption is demanded would betray the operator.
        if (UpstreamTls.IsRequired(policy.Tls)) return null;
        return service.Generated.Get(new ClusterKey(name, rule, client.Mesh), (name, policy), static s =>
        {
            var cluster = new Cluster
            {
                Name = s.name,
                Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds,
                EdsClusterConfig = new() { EdsConfig = OutboundClusters.AdsSource(), ServiceName = s.name },
                LbPolicy = Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy.RoundRobin,
                CommonLbConfig = new(),
            };
            if (s.policy.ConnectionPool?.Http is { Http2MaxRequests: > 0 } http)
                cluster.CircuitBreakers = new() { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxRequests = (uint)http.Http2MaxRequests } } };
            Outliers.Apply(cluster, s.policy.Outlier);
            return EncodedResource.Encode(s.name, cluster);
        });
    }
}
