using Envoy.Config.Endpoint.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Endpoints;

/// <summary>The endpoints of one cluster, as EDS sends them. Shared by all proxies for which they would be equal.</summary>
internal static class EndpointResources
{
    /// <summary>The assignment of a cluster; one without endpoints for a cluster that the client does not have.</summary>
    public static EncodedResource Get(Client client, string name)
    {
        // Most clients ask for what one like them had before: one look then.
        if (client.KnownEndpoints.TryGetValue(name, out var known)) return known;
        return Find(client, name) is { } found ? client.KnownEndpoints.GetOrAdd(found.Name, found) : Empty(client, name);
    }

    private static EncodedResource? Find(Client client, string name)
    {
        // By SNI alone (outbound_.443_._.host) only endpoints that ask for a certificate may be reached: none, until they do.
        if (!ClusterName.TryParse(name, out var cluster) || !name.Contains('|') || client.Scope.Services.Find(cluster.Hostname) is not { } service
            || service.PortByNumber(cluster.Port) is not { } port || client.EndpointsOf(service) is not { } endpoints)
            return null;
        var rule = client.RuleFor(cluster.Hostname);
        var subset = cluster.Subset.Length > 0 ? rule?.FindSubset(cluster.Subset) : null;
        if (subset == null && cluster.Subset.Length > 0) return null;
        // Only where the rule minds localities does the client's place matter.
        var places = Places(rule, subset, port.Port, client.Mesh);
        var key = new Key(
            name, port.Name, rule, client.Mesh, client.IsRouter, client.Facets.ClusterId,
            places ? client.Facets.Locality : Locality.None, places ? client.Facets.LabelKey : "", places ? client.Facets.Network : "");
        return endpoints.Generated.Get(key, (client, service, port, name, rule, subset), static s =>
            EncodedResource.Encode(s.name, LoadAssignments.Build(s.client, s.service, s.port.Name, s.name, s.rule, s.subset, inCluster: false)));
    }

    private sealed record Key(
        string Name, string Port, DestinationRuleEntry? Rule, MeshSettings Mesh, bool Router, string Cluster, Locality Locality, string Labels, string Network);

    private static bool Places(DestinationRuleEntry? rule, Istio.Networking.V1Alpha3.Subset? subset, int port, MeshSettings mesh)
    {
        var policy = TrafficPolicies.For(rule?.Rule, subset, port);
        return LocalityBalancing.Effective(policy.LoadBalancer, mesh) is { } setting && (policy.Outlier != null || setting.Distribute.Count > 0);
    }

    private static EncodedResource Empty(Client client, string name) =>
        client.Mesh.Generated.Get(("no endpoints", name), name, static n => EncodedResource.Encode(n, new ClusterLoadAssignment { ClusterName = n }));
}
