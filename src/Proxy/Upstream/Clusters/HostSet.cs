using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>What of a cluster's settings decides which hosts may be chosen. Immutable.</summary>
/// <param name="PanicThreshold">Percent of usable hosts below which health is ignored; 0 for never.</param>
/// <param name="Overprovisioning">Percent by which healthy hosts may be loaded more before the load spills over.</param>
/// <param name="LocalityWeighted">Localities share the load by their weights.</param>
/// <param name="WeightedHealth">Weights of hosts count for a priority's health, not their number.</param>
/// <param name="FailOnPanic">In panic nobody is served rather than anybody.</param>
/// <param name="Hashed">Hosts are chosen by hash: locality weights become shares of the hosts.</param>
internal sealed record HostSetRules(double PanicThreshold = 50, int Overprovisioning = 140, bool LocalityWeighted = false, bool WeightedHealth = false, bool FailOnPanic = false, bool Hashed = false);

/// <summary>All hosts of a cluster by priority, and who may be chosen. Immutable; made anew when hosts or their health change.</summary>
internal sealed class HostSet
{
    public static readonly HostSet Empty = new([], new HostSetRules(), 1);
    private readonly HostSetRules _rules;
    private readonly int _workers;
    private readonly Dictionary<SubsetCriteria, HostSet> _subsets = [];
    private Dictionary<Network.SocketAddress, HostState>? _byAddress;

    public HostSet(IReadOnlyList<HostState> hosts, HostSetRules rules, int workers)
    {
        (_rules, _workers) = (rules, workers);
        All = [.. hosts];
        var count = hosts.Count == 0 ? 0 : hosts.Max(host => host.Priority) + 1;
        Priorities = new PriorityHosts[count];
        for (var priority = 0; priority < count; priority++)
            Priorities[priority] = new PriorityHosts(count == 1 ? All : Array.FindAll(All, host => host.Priority == priority), rules, workers);
        Loads = PriorityLoads.Of(Priorities, rules);
    }

    public HostState[] All { get; }

    public PriorityHosts[] Priorities { get; }

    /// <summary>Who carries which part of the load.</summary>
    public PriorityLoads Loads { get; }

    public HostState? Find(Network.SocketAddress address)
    {
        var known = _byAddress ??= All.ToDictionary(host => host.Address);
        return known.GetValueOrDefault(address);
    }

    /// <summary>The loads when some priorities are to be left out; the usual ones when nothing else is left. Source: Envoy's previous_priorities.</summary>
    public PriorityLoads LoadsWithout(ulong priorities) => PriorityLoads.Of(Priorities, _rules, priorities) is { IsUnavailable: false } rest ? rest : Loads;

    /// <summary>The group to choose from. Says whether health had to be ignored.</summary>
    public HostGroup Choose(in LoadBalancerContext context, Worker worker, out bool panic)
    {
        panic = false;
        if (Priorities.Length == 0) return HostGroup.Empty;
        var loads = context.Loads ?? Loads;
        var (priority, degraded) = Priorities.Length == 1 && loads.IsSimple ? (0, false) : loads.Place(context.Hash is { } hash ? (int)(hash % 100) : worker.Random.Next(100));
        var hosts = Priorities[priority];
        if (loads.Panics(priority))
        {
            panic = true;
            return _rules.FailOnPanic ? HostGroup.Empty : hosts.All;
        }
        if (_rules is { LocalityWeighted: true, Hashed: false } && hosts.ChooseLocality(worker, degraded) is { } locality) return locality;
        return degraded ? hosts.Degraded : hosts.Healthy;
    }

    /// <summary>The hosts that a subset has of these; the same object for the same criteria.</summary>
    public HostSet Subset(SubsetCriteria criteria, HostSetRules rules, bool firstOnly = false)
    {
        lock (_subsets)
        {
            if (_subsets.TryGetValue(criteria, out var known)) return known;
            // What requests may ask for without end is not kept without end.
            if (_subsets.Count >= 4096) _subsets.Clear();
            var members = Array.FindAll(All, criteria.IsMatch);
            return _subsets[criteria] = new HostSet(firstOnly && members.Length > 1 ? members[..1] : members, rules, _workers);
        }
    }
}
