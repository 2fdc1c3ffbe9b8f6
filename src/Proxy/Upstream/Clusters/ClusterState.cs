using System.Collections.Concurrent;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>
/// One cluster as long as it lives: settings that may be replaced, hosts that come and go, counters and breakers that stay.
/// Written by the configuration thread, read by workers.
/// </summary>
internal sealed class ClusterState
{
    private readonly ILoadBalancer?[] _balancers;
    private readonly HostSet?[] _balancedHosts;
    private readonly ConcurrentDictionary<SocketAddress, HostState> _originalDestinations = new();
    private volatile ClusterSnapshot _snapshot;
    private volatile HostSet _hosts = HostSet.Empty;
    private long _connections, _pending, _requests, _retries;

    public ClusterState(ClusterSnapshot snapshot, StatsStore stats)
    {
        _snapshot = snapshot;
        Stats = stats.Group($"cluster.{snapshot.StatName}.", ClusterStats.Create);
        WorkerCount = stats.Workers;
        _balancers = new ILoadBalancer?[WorkerCount];
        _balancedHosts = new HostSet?[WorkerCount];
    }

    public string Name => _snapshot.Name;

    public ClusterSnapshot Snapshot
    {
        get => _snapshot;
        set => _snapshot = value;
    }

    public ClusterStats Stats { get; }

    public int WorkerCount { get; }

    public HostSet Hosts => _hosts;

    /// <summary>Replaces the hosts; those that are gone are marked so.</summary>
    public void Publish(HostSet next)
    {
        var kept = next.All.ToHashSet();
        foreach (var host in _hosts.All)
            if (!kept.Contains(host))
                host.IsRemoved = true;
        _hosts = next;
        Stats.AddShared(ClusterStats.MembershipChange);
        Stats.SetShared(ClusterStats.MembershipTotal, next.All.Length);
        Stats.SetShared(ClusterStats.MembershipHealthy, next.All.Count(host => host.IsUsable));
    }

    /// <summary>Health or ejections of some hosts changed: recomputes who may be chosen.</summary>
    public void RefreshHealth()
    {
        lock (Stats) Publish(new HostSet(_hosts.All, _snapshot.PanicThreshold));
    }

    /// <summary>A host for a request, or null when there is none. The worker's thread only.</summary>
    public HostState? Pick(Worker worker, in LoadBalancerContext context)
    {
        var snapshot = _snapshot;
        if (snapshot.Discovery == DiscoveryType.OriginalDestination) return OriginalDestination(context.OriginalDestination, snapshot);
        var hosts = _hosts;
        if (!ReferenceEquals(_balancedHosts[worker.Index], hosts))
        {
            _balancers[worker.Index] = LoadBalancers.Create(snapshot, _balancers[worker.Index]);
            _balancedHosts[worker.Index] = hosts;
        }
        return _balancers[worker.Index]!.Pick(hosts, context, worker, this);
    }

    /// <summary>Takes one of a limited number; the amounts are shared by all workers.</summary>
    public bool TryBegin(BreakerKind kind)
    {
        ref var used = ref Used(kind);
        if (Interlocked.Increment(ref used) <= Limit(kind)) return true;
        Interlocked.Decrement(ref used);
        return false;
    }

    public void End(BreakerKind kind) => Interlocked.Decrement(ref Used(kind));

    private ref long Used(BreakerKind kind)
    {
        if (kind == BreakerKind.Connections) return ref _connections;
        if (kind == BreakerKind.Pending) return ref _pending;
        if (kind == BreakerKind.Requests) return ref _requests;
        return ref _retries;
    }

    private long Limit(BreakerKind kind) => kind switch
    {
        BreakerKind.Connections => _snapshot.Default.MaxConnections,
        BreakerKind.Pending => _snapshot.Default.MaxPending,
        BreakerKind.Requests => _snapshot.Default.MaxRequests,
        _ => _snapshot.Default.MaxRetries,
    };

    private HostState? OriginalDestination(SocketAddress address, ClusterSnapshot snapshot)
    {
        if (address.IsNone) return null;
        if (snapshot.PortOverride > 0) address = address.WithPort(snapshot.PortOverride);
        return _originalDestinations.GetOrAdd(address, static (key, workers) => new HostState(key, "", workers), WorkerCount);
    }

    /// <summary>Forgets original destinations that nobody uses any more.</summary>
    public void ForgetIdleDestinations()
    {
        foreach (var (address, host) in _originalDestinations)
            if (host.Active == 0 && _originalDestinations.TryRemove(address, out _))
                host.IsRemoved = true;
    }
}

/// <summary>What a circuit breaker limits.</summary>
internal enum BreakerKind
{
    Connections,
    Pending,
    Requests,
    Retries,
}
