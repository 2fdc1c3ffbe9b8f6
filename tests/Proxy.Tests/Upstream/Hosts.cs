using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Tests.Upstream;

/// <summary>Clusters and hosts without sockets, chosen by a worker whose randomness is seeded and whose loop does not run.</summary>
internal static class Hosts
{
    public static Worker SeededWorker(int seed = 7) => new(0, static _ => { }) { Random = new Random(seed) };

    public static ClusterState Cluster(BalancerSettings balancer, HostSetRules? rules = null, Func<ClusterSnapshot, ClusterSnapshot>? change = null)
    {
        var snapshot = new ClusterSnapshot { Name = "c", StatName = "c", Balancer = balancer, Rules = rules ?? new HostSetRules() };
        return new ClusterState(change is null ? snapshot : change(snapshot), new StatsStore(1));
    }

    /// <summary>Gives a cluster hosts 10.0.0.1, 10.0.0.2 and so on, port 80.</summary>
    public static ClusterState With(this ClusterState cluster, params EndpointConfig[] endpoints)
    {
        HostSets.Update(cluster, HostSets.Parse([.. endpoints.Select((endpoint, i) => endpoint with { Address = $"10.0.0.{i + 1}", Port = 80 })], ""));
        return cluster;
    }

    public static EndpointConfig Endpoint(int weight = 1, int priority = 0, EndpointHealth health = EndpointHealth.Healthy, string zone = "", int localityWeight = 0, params (string, string)[] labels) =>
        new("", 0, null)
        {
            Weight = weight,
            Priority = priority,
            Health = health,
            Zone = zone,
            LocalityWeight = localityWeight,
            Labels = labels.ToDictionary(label => label.Item1, label => label.Item2),
        };

    /// <summary>How often each host came up, by the last number of its address; 0 for no host.</summary>
    public static Dictionary<int, int> Count(this ClusterState cluster, Worker worker, int picks, Func<int, LoadBalancerContext>? context = null)
    {
        var counts = new Dictionary<int, int>();
        for (var i = 0; i < picks; i++)
        {
            var number = cluster.Pick(worker, context?.Invoke(i) ?? default)?.Number() ?? 0;
            counts[number] = counts.GetValueOrDefault(number) + 1;
        }
        return counts;
    }

    public static int Number(this HostState host) => host.Address.ToIpAddress().GetAddressBytes()[^1];
}
