using System.Collections.Concurrent;
using System.Diagnostics;
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
    private readonly Breakers _default, _high;
    private readonly Http.Http2.Http2Stock?[] _http2Stocks;
    private readonly ConcurrentDictionary<SocketAddress, HostState> _originalDestinations = new();
    private volatile ClusterSnapshot _snapshot;
    private volatile HostSet _hosts = HostSet.Empty;
    private volatile ILoadBalancer _balancer;
    private volatile HostSetRules _rules;
    private AssignmentPolicy _policy = AssignmentPolicy.Usual;

    public ClusterState(ClusterSnapshot snapshot, StatsStore stats)
    {
        _snapshot = snapshot;
        _balancer = LoadBalancers.Create(snapshot.Balancer);
        _rules = RulesOf(snapshot, _policy);
        Stats = stats.Group($"cluster.{snapshot.StatName}.", ClusterStats.Create);
        Http2Stats = stats.Group($"cluster.{snapshot.StatName}.http2.", Http2Stats.Create);
        WorkerCount = stats.Workers;
        (_default, _high) = (new Breakers(Stats, ClusterStats.DefaultBreakers), new Breakers(Stats, ClusterStats.HighBreakers));
        _http2Stocks = new Http.Http2.Http2Stock?[WorkerCount];
    }

    /// <summary>Milliseconds of the same clock as the workers', for other threads.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    public string Name => _snapshot.Name;

    /// <summary>Held while hosts or their standing change.</summary>
    public Lock Gate { get; } = new();

    public ClusterSnapshot Snapshot
    {
        get => _snapshot;
        set
        {
            lock (Gate)
            {
                _snapshot = value;
                _balancer = LoadBalancers.Create(value.Balancer);
                Publish(new HostSet(_hosts.All, _rules = RulesOf(value, _policy), WorkerCount));
            }
        }
    }

    public ClusterStats Stats { get; }

    public Http2Stats Http2Stats { get; }

    public int WorkerCount { get; }

    /// <summary>What the HTTP/2 connections of a worker to this cluster share. The worker's thread only.</summary>
    public Http.Http2.Http2Stock Http2StockOf(Worker worker) => _http2Stocks[worker.Index] ??= new Http.Http2.Http2Stock();

    public HostSet Hosts => _hosts;

    /// <summary>Replaces the hosts; those that are gone are marked so, and their idle connections closed.</summary>
    public void Publish(List<HostState> hosts, AssignmentPolicy policy)
    {
        lock (Gate)
        {
            var (before, kept, snapshot) = (_hosts.All, hosts.ToHashSet(), _snapshot);
            var changed = before.Length != kept.Count;
            foreach (var host in before)
            {
                if (kept.Contains(host)) continue;
                changed = true;
                host.IsRemoved = true;
                host.CloseIdleConnections();
            }
            if (changed && snapshot.CloseOnHostChange)
                foreach (var host in before) host.CloseIdleConnections();
            _policy = policy;
            _rules = RulesOf(snapshot, policy);
            Publish(new HostSet(hosts, _rules, WorkerCount));
            if (changed) Stats.AddShared(ClusterStats.MembershipChange);
        }
    }

    /// <summary>Health or ejections of some hosts changed: works out anew who may be chosen. Any thread.</summary>
    public void RefreshHealth()
    {
        lock (Gate) Publish(new HostSet(_hosts.All, _rules, WorkerCount));
    }

    /// <summary>A host for a request, or null when there is none. The worker's thread only.</summary>
    public HostState? Pick(Worker worker, in LoadBalancerContext context)
    {
        var snapshot = _snapshot;
        if (snapshot.Discovery == DiscoveryType.OriginalDestination) return OriginalDestination(context.OriginalDestination, snapshot);
        var hosts = _hosts;
        if (!context.BoundTo.IsNone)
        {
            if (hosts.Find(context.BoundTo) is { } bound && (snapshot.BoundHealth & 1 << (int)HealthOf(bound)) != 0) return bound;
            if (context.BoundStrictly) return null;
        }
        if (snapshot.Subsets is { } subsets)
        {
            if (subsets.Select(hosts, context.Criteria, _rules) is not { } subset) return null;
            hosts = subset;
        }
        for (var attempt = 0; ; attempt++)
        {
            var group = hosts.Choose(context, worker, out var panic);
            if (panic) Stats.Add(worker, ClusterStats.LbHealthyPanic);
            var host = _balancer.Pick(group, context, worker, attempt);
            if (host is null || attempt >= context.ExtraPicks || !context.ShouldAvoid(host)) return host;
        }
    }

    /// <summary>Takes one of a limited number; the amounts are shared by all workers.</summary>
    public bool TryBegin(BreakerKind kind, bool high = false) => high ? _high.TryBegin(kind, _snapshot.High) : _default.TryBegin(kind, _snapshot.Default);

    public void End(BreakerKind kind, bool high = false)
    {
        if (high) _high.End(kind, _snapshot.High);
        else _default.End(kind, _snapshot.Default);
    }

    /// <summary>Brings the statistics of what is left up to date.</summary>
    public void ShowRemaining()
    {
        if (_snapshot.Default.TrackRemaining) _default.ShowRemaining(_snapshot.Default);
        if (_snapshot.High.TrackRemaining) _high.ShowRemaining(_snapshot.High);
    }

    /// <summary>Drops hosts that discovery took away and whose checks fail now.</summary>
    public void RemovePending()
    {
        const HostFlags Gone = HostFlags.PendingRemoval | HostFlags.FailedActiveCheck;
        lock (Gate) Publish([.. _hosts.All.Where(host => (host.Flags & Gone) != Gone)], _policy);
    }

    /// <summary>Forgets original destinations that nobody uses any more.</summary>
    public void ForgetIdleDestinations()
    {
        foreach (var (address, host) in _originalDestinations)
        {
            if (host.WasUsed || host.Active > 0) host.WasUsed = false;
            else if (_originalDestinations.TryRemove(address, out _))
            {
                host.IsRemoved = true;
                host.CloseIdleConnections();
            }
        }
    }

    private void Publish(HostSet next)
    {
        _hosts = next;
        Stats.SetShared(ClusterStats.MembershipTotal, next.All.Length);
        Stats.SetShared(ClusterStats.MembershipHealthy, next.All.Count(host => host.IsUsable && !host.IsDegraded));
        Stats.SetShared(ClusterStats.MembershipDegraded, next.All.Count(host => host.IsUsable && host.IsDegraded));
        Stats.SetShared(ClusterStats.MembershipExcluded, next.All.Count(host => host.IsExcluded));
    }

    private static EndpointHealth HealthOf(HostState host) =>
        host.IsUsable ? host.IsDegraded ? EndpointHealth.Degraded : EndpointHealth.Healthy
        : host.Given is EndpointHealth.Draining or EndpointHealth.Timeout ? host.Given : EndpointHealth.Unhealthy;

    private static HostSetRules RulesOf(ClusterSnapshot snapshot, AssignmentPolicy policy) => snapshot.Rules with
    {
        Overprovisioning = policy.Overprovisioning,
        WeightedHealth = policy.WeightedHealth,
        Hashed = snapshot.Balancer.Kind is BalancerKind.RingHash or BalancerKind.Maglev,
    };

    private HostState? OriginalDestination(SocketAddress address, ClusterSnapshot snapshot)
    {
        if (address.IsNone) return null;
        if (snapshot.PortOverride > 0) address = address.WithPort(snapshot.PortOverride);
        var host = _originalDestinations.GetOrAdd(address, static (key, workers) => new HostState(key, "", workers), WorkerCount);
        if (!host.WasUsed) host.WasUsed = true;
        return host;
    }
}
