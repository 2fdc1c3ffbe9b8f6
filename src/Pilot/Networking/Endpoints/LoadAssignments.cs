using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Locality = Lateen.Pilot.Model.Locality;

namespace Lateen.Pilot.Networking.Endpoints;

/// <summary>The endpoints of a cluster, grouped by locality (pilot/pkg/xds/endpoints/endpoint_builder.go).</summary>
internal static class LoadAssignments
{
    /// <summary>
    /// The assignment of a port and subset as one client gets it. In a cluster of names the endpoints have no health.
    /// </summary>
    public static ClusterLoadAssignment Build(
        Client client, Service service, string portName, string clusterName, DestinationRuleEntry? rule, Subset? subset, bool inCluster)
    {
        var groups = new Dictionary<Locality, List<ServiceEndpoint>>();
        var order = new List<Locality>();
        foreach (var endpoint in client.EndpointsOf(service)?.All ?? [])
        {
            if (endpoint.ServicePortName != portName || !(subset == null || Labels.Covers((IEnumerable<KeyValuePair<string, string>>)subset.Labels, endpoint.Labels))) continue;
            if (endpoint.IsSocket && client.IsRouter) continue;
            if (!groups.TryGetValue(endpoint.Locality, out var group))
            {
                groups[endpoint.Locality] = group = [];
                order.Add(endpoint.Locality);
            }
            group.Add(endpoint);
        }
        order.Sort(static (a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));
        var members = order.ConvertAll(l => new LocalityGroup(l, groups[l]));
        if (members.Count > 0) ApplyLocality(client, service, portName, rule, subset, members);
        var assignment = new ClusterLoadAssignment { ClusterName = clusterName };
        foreach (var group in members) assignment.Endpoints.Add(Convert(group, client.Facets.ClusterId, inCluster));
        return assignment;
    }

    private static void ApplyLocality(
        Client client, Service service, string portName, DestinationRuleEntry? rule, Subset? subset, List<LocalityGroup> groups)
    {
        var port = service.Ports.FirstOrDefault(p => p.Name == portName)?.Port ?? 0;
        var policy = TrafficPolicies.For(rule?.Rule, subset, port);
        if (LocalityBalancing.Effective(policy.LoadBalancer, client.Mesh) is not { } setting) return;
        LocalityPriorities.Apply(groups, setting, client.Facets.Locality, client.Node, policy.Outlier != null);
    }

    private static LocalityLbEndpoints Convert(LocalityGroup group, string cluster, bool inCluster)
    {
        var result = new LocalityLbEndpoints
        {
            Locality = group.Locality.IsEmpty
                ? new()
                : new() { Region = group.Locality.Region, Zone = group.Locality.Zone, SubZone = group.Locality.SubZone },
            LoadBalancingWeight = group.Weight,
            Priority = group.Priority,
        };
        foreach (var endpoint in group.Endpoints) result.LbEndpoints.Add(Convert(endpoint, cluster, inCluster));
        return result;
    }

    private static LbEndpoint Convert(ServiceEndpoint endpoint, string cluster, bool inCluster)
    {
        var address = endpoint.IsSocket
            ? new Address { Pipe = new() { Path = endpoint.Address["unix://".Length..] } }
            : new Address { SocketAddress = new() { Address = endpoint.Address, PortValue = (uint)endpoint.Port } };
        return new()
        {
            Endpoint = new() { Address = address },
            LoadBalancingWeight = Math.Max(1, endpoint.Weight),
            HealthStatus = inCluster ? HealthStatus.Unknown : HealthStatus.Healthy,
            Metadata = IstioMetadata.OfEndpoint(endpoint, cluster),
        };
    }
}
