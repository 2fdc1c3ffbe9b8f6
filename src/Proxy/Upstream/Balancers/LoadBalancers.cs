using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>What a choice may depend on.</summary>
/// <param name="Hash">Hash of the request by its hash policies; null when there is none.</param>
/// <param name="OriginalDestination">Where the client wanted to go.</param>
/// <param name="Tried">Hosts of earlier attempts, to be avoided; null for none.</param>
internal readonly record struct LoadBalancerContext(ulong? Hash, SocketAddress OriginalDestination, List<HostState>? Tried);

/// <summary>Chooses a host. One instance for each worker and cluster; owned by the worker.</summary>
internal interface ILoadBalancer
{
    HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster);
}

/// <summary>The catalogue of balancers.</summary>
internal static class LoadBalancers
{
    /// <summary>The balancer of a snapshot; the previous one when it is of the same kind, so that its position survives.</summary>
    public static ILoadBalancer Create(ClusterSnapshot snapshot, ILoadBalancer? previous) => snapshot.Balancer switch
    {
        BalancerKind.LeastRequest => new LeastRequestBalancer(snapshot.ChoiceCount),
        BalancerKind.Random => new RandomBalancer(),
        BalancerKind.RingHash => new RingHashBalancer(snapshot.MinRingSize, snapshot.MaxRingSize),
        BalancerKind.Maglev => new MaglevBalancer(snapshot.MaglevTableSize),
        _ => previous as RoundRobinBalancer ?? new RoundRobinBalancer(),
    };

    /// <summary>The candidates of this request; counts panics.</summary>
    public static HostState[] Candidates(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var percentile = hosts.Priorities.Length < 2 ? 0 : context.Hash is { } hash ? (int)(hash % 100) : worker.Random.Next(100);
        var candidates = hosts.Choose(percentile, out var panic);
        if (panic) cluster.Stats.Add(worker, ClusterStats.LbHealthyPanic);
        return candidates;
    }

    public static bool WasTried(HostState host, in LoadBalancerContext context) => context.Tried?.Contains(host) == true;
}

/// <summary>In turn, by weight: smooth weighted round robin. A worker starts at a place of its own, so that workers do not march in step.</summary>
internal sealed class RoundRobinBalancer : ILoadBalancer
{
    private HostState[]? _hosts;
    private long[]? _current;
    private uint _next;
    private bool _equal;
    private long _total;

    public HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var candidates = LoadBalancers.Candidates(hosts, context, worker, cluster);
        if (candidates.Length == 0) return null;
        if (!ReferenceEquals(candidates, _hosts)) Restart(candidates, worker);
        var picked = Next(candidates);
        for (var tries = 0; tries < candidates.Length && LoadBalancers.WasTried(picked, context); tries++) picked = Next(candidates);
        return picked;
    }

    private void Restart(HostState[] candidates, Worker worker)
    {
        _hosts = candidates;
        _equal = Array.TrueForAll(candidates, host => host.Weight == candidates[0].Weight);
        _next = (uint)worker.Random.Next();
        _current = _equal ? null : new long[candidates.Length];
        _total = candidates.Sum(host => (long)host.Weight);
        // Somewhere in the cycle, for the same reason.
        for (var i = _equal ? 0 : worker.Random.Next(candidates.Length); i > 0; i--) Next(candidates);
    }

    private HostState Next(HostState[] candidates)
    {
        if (_equal) return candidates[_next++ % (uint)candidates.Length];
        var best = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            _current![i] += candidates[i].Weight;
            if (_current[i] > _current[best]) best = i;
        }
        _current![best] -= _total;
        return candidates[best];
    }
}

/// <summary>The least busy of a few random hosts; weights count as room. Source: Envoy's "Weighted least request".</summary>
internal sealed class LeastRequestBalancer(int choices) : ILoadBalancer
{
    public HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var candidates = LoadBalancers.Candidates(hosts, context, worker, cluster);
        if (candidates.Length == 0) return null;
        var tried = context.Tried;
        HostState? best = null;
        double bestLoad = 0;
        for (var i = 0; i < choices; i++)
        {
            var host = candidates[worker.Random.Next(candidates.Length)];
            if (LoadBalancers.WasTried(host, context)) host = Array.Find(candidates, other => !tried!.Contains(other)) ?? host;
            var load = (host.Active + 1.0) / host.Weight;
            if (best is not null && load >= bestLoad) continue;
            (best, bestLoad) = (host, load);
        }
        return best;
    }
}

/// <summary>Any host, by weight.</summary>
internal sealed class RandomBalancer : ILoadBalancer
{
    public HostState? Pick(HostSet hosts, in LoadBalancerContext context, Worker worker, ClusterState cluster)
    {
        var candidates = LoadBalancers.Candidates(hosts, context, worker, cluster);
        if (candidates.Length == 0) return null;
        HostState picked;
        var tries = candidates.Length;
        do
        {
            picked = candidates[worker.Random.Next(candidates.Length)];
        }
        while (LoadBalancers.WasTried(picked, context) && --tries > 0);
        return picked;
    }
}
