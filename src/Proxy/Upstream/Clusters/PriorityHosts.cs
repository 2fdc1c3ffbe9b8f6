using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>Hosts of one priority by health and locality. The members are immutable; each worker keeps its own place among the localities.</summary>
internal sealed class PriorityHosts
{
    private readonly Locality[] _localities;
    private readonly EdfSchedule?[] _healthyTurns, _degradedTurns;
    private readonly Func<int, double> _healthyWeight, _degradedWeight;
    private readonly bool _hasHealthyLocality, _hasDegradedLocality;

    public PriorityHosts(HostState[] hosts, HostSetRules rules, int workers)
    {
        var healthy = Array.FindAll(hosts, host => host.IsUsable && !host.IsDegraded);
        var degraded = Array.FindAll(hosts, host => host.IsUsable && host.IsDegraded);
        Excluded = hosts.Count(host => host.IsExcluded);
        var byLocality = rules.LocalityWeighted ? hosts.GroupBy(host => (host.Region, host.Zone, host.SubZone)).ToArray() : [];
        var shares = rules is { LocalityWeighted: true, Hashed: true };
        // When all are healthy, the two groups are one.
        All = new HostGroup(hosts, null, workers);
        Healthy = healthy.Length == hosts.Length && !shares ? All : new HostGroup(healthy, shares ? Shares(healthy, hosts, rules) : null, workers);
        Degraded = degraded.Length == 0 ? HostGroup.Empty : new HostGroup(degraded, shares ? Shares(degraded, hosts, rules) : null, workers);
        _localities = shares ? [] : [.. byLocality.Select(group => new Locality([.. group], rules, workers))];
        (_healthyTurns, _degradedTurns) = _localities.Length == 0 ? ([], []) : (new EdfSchedule?[workers], new EdfSchedule?[workers]);
        _healthyWeight = index => _localities[index].HealthyWeight;
        _degradedWeight = index => _localities[index].DegradedWeight;
        _hasHealthyLocality = Array.Exists(_localities, locality => locality.HealthyWeight > 0);
        _hasDegradedLocality = Array.Exists(_localities, locality => locality.DegradedWeight > 0);
    }

    public HostGroup All { get; }

    public HostGroup Healthy { get; }

    public HostGroup Degraded { get; }

    /// <summary>Hosts that do not count, neither way: their first health check has not been yet.</summary>
    public int Excluded { get; }

    /// <summary>The members of the locality whose turn it is; null when no locality has a weight.</summary>
    public HostGroup? ChooseLocality(Worker worker, bool degraded)
    {
        if (degraded ? !_hasDegradedLocality : !_hasHealthyLocality) return null;
        var (turns, weight) = degraded ? (_degradedTurns, _degradedWeight) : (_healthyTurns, _healthyWeight);
        var turn = turns[worker.Index] ??= new EdfSchedule(_localities.Length, weight, worker.Random.Next(_localities.Length));
        var locality = _localities[turn.Next(weight)];
        return degraded ? locality.Degraded : locality.Healthy;
    }

    /// <summary>Shares of hosts when localities share by weight: the locality's part, split by the hosts' weights.</summary>
    private static double[]? Shares(HostState[] chosen, HostState[] all, HostSetRules rules)
    {
        var localities = chosen.GroupBy(host => (host.Region, host.Zone, host.SubZone)).ToDictionary(group => group.Key, group =>
            (Part: Locality.Effective(group.First().LocalityWeight, group.Count(), all.Count(host => (host.Region, host.Zone, host.SubZone) == group.Key && !host.IsExcluded), rules),
                Weight: group.Sum(host => (double)host.Weight)));
        var total = localities.Values.Sum(locality => locality.Part);
        // Without weights on localities those of the hosts decide alone.
        if (total == 0) return null;
        return Array.ConvertAll(chosen, host => localities[(host.Region, host.Zone, host.SubZone)] is var own ? own.Part / total * host.Weight / own.Weight : 0);
    }

    /// <summary>Hosts of one place. Immutable.</summary>
    private sealed class Locality
    {
        public Locality(HostState[] hosts, HostSetRules rules, int workers)
        {
            Healthy = new HostGroup(Array.FindAll(hosts, host => host.IsUsable && !host.IsDegraded), null, workers);
            Degraded = new HostGroup(Array.FindAll(hosts, host => host.IsUsable && host.IsDegraded), null, workers);
            var counted = hosts.Count(host => !host.IsExcluded);
            HealthyWeight = Effective(hosts[0].LocalityWeight, Healthy.Hosts.Length, counted, rules);
            DegradedWeight = Effective(hosts[0].LocalityWeight, Degraded.Hosts.Length, counted, rules);
        }

        public HostGroup Healthy { get; }

        public HostGroup Degraded { get; }

        public double HealthyWeight { get; }

        public double DegradedWeight { get; }

        /// <summary>A locality's weight shrinks when more of its hosts are gone than the others can make up for. Source: Envoy, effectiveLocalityWeight.</summary>
        public static double Effective(int weight, int available, int counted, HostSetRules rules) =>
            counted == 0 ? 0 : weight * Math.Min(1, rules.Overprovisioning / 100.0 * available / counted);
    }
}
