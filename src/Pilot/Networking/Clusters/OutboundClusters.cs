using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Endpoints;
using Lateen.Pilot.Push;
using DiscoveryType = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType;
using Locality = Lateen.Pilot.Model.Locality;
using Resolution = Lateen.Pilot.Model.Resolution;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>
/// The clusters of the services that a proxy can reach: one for each port, and one for each subset of a DestinationRule
/// (pilot/pkg/networking/core/cluster.go). Shared by all proxies for which they would be equal.
/// </summary>
internal static class OutboundClusters
{
    /// <summary>All of them, as one array that stays the same object while nothing that it shows changes.</summary>
    public static EncodedResource[] All(Client client, bool sni = false)
    {
        var services = client.Scope.Services;
        var names = new NamesKey(client.Mesh, client.IsRouter, client.Facets.Selected, sni, client.Facets.IsGrpc);
        if (!HasNames(services)) return services.Generated.GetOnce(names, (client, sni), static s => Build(s.client, s.sni));
        // Clusters of names have their endpoints in them, so they follow the endpoints and the proxy's place too.
        var key = new PlacedKey(names, client.Snapshot.Endpoints, client.Facets.Locality, client.Facets.LabelKey, client.Facets.Network, client.Facets.ClusterId);
        return services.Generated.GetOnce(key, (client, sni), static s => Build(s.client, s.sni));
    }

    private sealed record NamesKey(MeshSettings Mesh, bool Router, string Selected, bool Sni, bool Grpc);

    private sealed record PlacedKey(NamesKey Names, EndpointIndex Endpoints, Locality Locality, string Labels, string Network, string Cluster);

    /// <summary>What decides the clusters of one service besides the service itself.</summary>
    private sealed record ServiceKey(
        DestinationRuleEntry? Rule, MeshSettings Mesh, bool Router, bool Sni, bool Grpc, PlacedEndpoints? Endpoints);

    /// <summary>Endpoints inside a cluster, and where the client is that sees them.</summary>
    private sealed record PlacedEndpoints(ServiceEndpoints? Endpoints, Locality Locality, string Labels, string Network, string Cluster);

    private static bool HasNames(ScopeServices services) =>
        ((StrongFlag)services.Generated.Get("has names", services, static s => new StrongFlag(s.All.Any(IsNamed)))).Value;

    private static bool IsNamed(Service service) => service.Resolution is Resolution.Dns or Resolution.DnsRoundRobin;

    private static EncodedResource[] Build(Client client, bool sni)
    {
        var clusters = new List<EncodedResource>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in client.Scope.Services.All)
            foreach (var cluster in OfService(client, service, sni))
                if (names.Add(cluster.Name)) clusters.Add(cluster);
        return [.. clusters];
    }

    private static EncodedResource[] OfService(Client client, Service service, bool sni)
    {
        if (service.Resolution == Resolution.Alias) return [];
        var rule = client.RuleFor(service.Hostname);
        var named = IsNamed(service);
        var key = new ServiceKey(
            rule, client.Mesh, client.IsRouter, sni, client.Facets.IsGrpc,
            named ? new(client.EndpointsOf(service), client.Facets.Locality, client.Facets.LabelKey, client.Facets.Network, client.Facets.ClusterId) : null);
        return service.Generated.Get(key, (client, service, rule, sni), static s => Build(s.client, s.service, s.rule, s.sni));
    }

    private static EncodedResource[] Build(Client client, Service service, DestinationRuleEntry? rule, bool sni)
    {
        var clusters = new List<EncodedResource>();
        foreach (var port in service.Ports)
        {
            if (port.Protocol == PortProtocol.Udp) continue;
            Add(client, service, port, rule, null, sni, clusters);
            if (rule == null) continue;
            foreach (var subset in rule.Rule.Subsets) Add(client, service, port, rule, subset, sni, clusters);
        }
        return [.. clusters];
    }

    private static void Add(
        Client client, Service service, ServicePort port, DestinationRuleEntry? rule, Subset? subset, bool sni, List<EncodedResource> clusters)
    {
        if (Build(client, service, port, rule, subset, sni) is { } cluster) clusters.Add(EncodedResource.Encode(cluster.Name, cluster));
    }

    /// <summary>Null for a cluster that the proxy could not use.</summary>
    public static Cluster? Build(Client client, Service service, ServicePort port, DestinationRuleEntry? rule, Subset? subset, bool sni)
    {
        var policy = TrafficPolicies.For(rule?.Rule, subset, port.Port);
        // Sending in plain text what was to be encrypted would betray the operator: no cluster, so 503, until TLS is there.
        if (!sni && UpstreamTls.IsRequired(policy.Tls)) return null;
        var subsetName = subset?.Name ?? "";
        var name = sni ? ClusterName.SniOutbound(port.Port, subsetName, service.Hostname) : ClusterName.Outbound(port.Port, subsetName, service.Hostname);
        var cluster = new Cluster
        {
            Name = name,
            AltStatName = StatNames.Outbound(client.Mesh, name, service, port, subsetName) + ";",
            CommonLbConfig = new(),
            Metadata = IstioMetadata.OfCluster([service], rule?.MetadataPath, subsetName, service.IsMeshExternal),
        };
        if (!SetDiscovery(cluster, client, service, port, rule, subset)) return null;
        ConnectionPools.Apply(cluster, client.Mesh, policy, port.Protocol, inbound: false, client.IsRouter);
        Outliers.Apply(cluster, policy.Outlier);
        LoadBalancers.Apply(cluster, policy.LoadBalancer, client.Mesh);
        return cluster;
    }

    private static bool SetDiscovery(Cluster cluster, Client client, Service service, ServicePort port, DestinationRuleEntry? rule, Subset? subset)
    {
        switch (service.Resolution)
        {
            case Resolution.Passthrough when !client.IsRouter && !client.Facets.IsGrpc:
                cluster.Type = DiscoveryType.OriginalDst;
                return true;
            case Resolution.Dns or Resolution.DnsRoundRobin:
                return SetDns(cluster, client, service, port, rule, subset);
            default:
                cluster.Type = DiscoveryType.Eds;
                cluster.EdsClusterConfig = new() { EdsConfig = AdsSource(), ServiceName = cluster.Name };
                return true;
        }
    }

    private static bool SetDns(Cluster cluster, Client client, Service service, ServicePort port, DestinationRuleEntry? rule, Subset? subset)
    {
        var assignment = LoadAssignments.Build(client, service, port.Name, cluster.Name, rule, subset, inCluster: true);
        if (assignment.Endpoints.Count == 0) return false;
        if (service.Resolution == Resolution.DnsRoundRobin)
        {
            cluster.Type = DiscoveryType.LogicalDns;
            KeepOneEndpoint(assignment);
        }
        else cluster.Type = DiscoveryType.StrictDns;
        cluster.LoadAssignment = assignment;
        cluster.DnsLookupFamily = Cluster.Types.DnsLookupFamily.V4Only;
        cluster.DnsRefreshRate = client.Mesh.DnsRefreshRate;
        cluster.DnsJitter = new() { Nanos = 100_000_000 };
        cluster.RespectDnsTtl = true;
        if (!client.Facets.IsGrpc)
            cluster.TypedDnsResolverConfig = new()
            {
                Name = "envoy.network.dns_resolver.cares",
                TypedConfig = Any.Pack(new Envoy.Extensions.Network.DnsResolver.Cares.V3.CaresDnsResolverConfig { UdpMaxQueries = 100 }),
            };
        return true;
    }

    /// <summary>A logical DNS cluster has exactly one name.</summary>
    private static void KeepOneEndpoint(Envoy.Config.Endpoint.V3.ClusterLoadAssignment assignment)
    {
        while (assignment.Endpoints.Count > 1) assignment.Endpoints.RemoveAt(assignment.Endpoints.Count - 1);
        var only = assignment.Endpoints[0];
        while (only.LbEndpoints.Count > 1) only.LbEndpoints.RemoveAt(only.LbEndpoints.Count - 1);
    }

    public static ConfigSource AdsSource() => new() { Ads = new(), InitialFetchTimeout = Durations.Zero, ResourceApiVersion = ApiVersion.V3 };

    private sealed class StrongFlag(bool value)
    {
        public bool Value { get; } = value;
    }
}
