using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Endpoints;

/// <summary>
/// Which localities a client uses first, and how much of its traffic each gets
/// (pilot/pkg/networking/core/loadbalancer/loadbalancer.go). Failover needs outlier detection: nothing else would ever
/// count an endpoint as failed.
/// </summary>
internal static class LocalityPriorities
{
    public static void Apply(List<LocalityGroup> groups, LocalityLoadBalancerSetting setting, Locality own, ProxyNode node, bool detectsFailure)
    {
        if (setting.Distribute.Count > 0) Distribute(groups, setting.Distribute, own);
        else if (detectsFailure && setting.FailoverPriority.Count > 0)
        {
            ByLabels(groups, setting.FailoverPriority, node);
            if (setting.Failover.Count > 0) ByNearness(groups, setting.Failover, own);
        }
        else if (detectsFailure && !own.IsEmpty) ByNearness(groups, setting.Failover, own);
    }

    private static void Distribute(List<LocalityGroup> groups, IEnumerable<LocalityLoadBalancerSetting.Types.Distribute> rules, Locality own)
    {
        var rule = rules.FirstOrDefault(r => own.Matches(r.From));
        if (rule == null) return;
        // Narrower targets take their localities first; what no target covers gets nothing.
        var left = new List<LocalityGroup>(groups);
        foreach (var (target, percent) in rule.To.OrderByDescending(t => t.Key.Length).ThenBy(t => t.Key, StringComparer.Ordinal))
        {
            var covered = left.FindAll(g => g.Locality.Matches(target));
            left.RemoveAll(covered.Contains);
            var total = covered.Aggregate(0u, (sum, g) => sum + g.Weight);
            foreach (var group in covered)
                group.Weight = (uint)Math.Ceiling((double)group.Weight * percent / Math.Max(1, total));
        }
        foreach (var group in left) group.Endpoints.Clear();
        groups.RemoveAll(left.Contains);
    }

    /// <summary>Same sub-zone, zone, region, the region to fail over to, then the rest; each step combined with earlier priorities.</summary>
    private static void ByNearness(List<LocalityGroup> groups, IReadOnlyCollection<LocalityLoadBalancerSetting.Types.Failover> failovers, Locality own)
    {
        foreach (var group in groups)
        {
            var there = group.Locality;
            var distance = there == own ? 0u
                : there.Region == own.Region && there.Zone == own.Zone ? 1u
                : there.Region == own.Region ? 2u
                : 3u;
            if (distance == 3 && failovers.FirstOrDefault(f => f.From == own.Region) is { } failover && failover.To != there.Region) distance = 4;
            group.Priority = (group.Priority * 5) + distance;
        }
        Compact(groups);
    }

    /// <summary>The more of the labels, from the first on, an endpoint shares with the client, the higher its priority.</summary>
    private static void ByLabels(List<LocalityGroup> groups, IReadOnlyList<string> labels, ProxyNode node)
    {
        var split = new List<LocalityGroup>();
        foreach (var group in groups)
            foreach (var same in group.Endpoints.GroupBy(e => Mismatch(e, labels, node)).OrderBy(g => g.Key))
                split.Add(new(group.Locality, [.. same]) { Priority = same.Key });
        groups.Clear();
        groups.AddRange(split.OrderBy(g => g.Priority));
        Compact(groups);
    }

    private static uint Mismatch(ServiceEndpoint endpoint, IReadOnlyList<string> labels, ProxyNode node)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            var equals = labels[i].IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? labels[i] : labels[i][..equals];
            var wanted = equals < 0 ? LabelOf(key, node.Labels, node.Locality, node.Network, node.ClusterId) : labels[i][(equals + 1)..];
            var actual = LabelOf(key, endpoint.Labels, endpoint.Locality, endpoint.Network, node.ClusterId);
            if (wanted != actual) return (uint)(labels.Count - i);
        }
        return 0;
    }

    private static string LabelOf(string key, IReadOnlyDictionary<string, string> labels, Locality locality, string network, string cluster) => key switch
    {
        "topology.kubernetes.io/region" => locality.Region,
        "topology.kubernetes.io/zone" => locality.Zone,
        "topology.istio.io/subzone" => locality.SubZone,
        "topology.istio.io/network" => network,
        "topology.istio.io/cluster" => cluster,
        _ => labels.GetValueOrDefault(key, ""),
    };

    /// <summary>Envoy wants priorities without gaps.</summary>
    private static void Compact(List<LocalityGroup> groups)
    {
        var present = groups.Select(g => g.Priority).Distinct().Order().ToList();
        foreach (var group in groups) group.Priority = (uint)present.IndexOf(group.Priority);
    }
}
