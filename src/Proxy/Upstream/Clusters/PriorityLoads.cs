namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>
/// Which part of the load each priority carries, on healthy and on degraded hosts, and which priorities are in panic. Immutable.
/// Source: Envoy, LoadBalancerBase ("Priority levels", "Degraded endpoints", "Panic threshold").
/// </summary>
internal sealed class PriorityLoads
{
    private readonly int[] _healthy, _degraded;
    private readonly bool[] _panic;

    private PriorityLoads(int priorities) => (_healthy, _degraded, _panic) = (new int[priorities], new int[priorities], new bool[priorities]);

    /// <summary>Percent on healthy hosts, by priority.</summary>
    public IReadOnlyList<int> Healthy => _healthy;

    /// <summary>Percent on degraded hosts, by priority.</summary>
    public IReadOnlyList<int> Degraded => _degraded;

    /// <summary>No priority has a host to offer.</summary>
    public bool IsUnavailable { get; private set; }

    /// <summary>All load goes to healthy hosts of the first priority.</summary>
    public bool IsSimple => _healthy.Length > 0 && _healthy[0] == 100;

    /// <summary>Health is ignored within this priority.</summary>
    public bool Panics(int priority) => _panic[priority];

    /// <summary>Where a request goes, for a number from 0 to 99.</summary>
    public (int Priority, bool Degraded) Place(int percentile)
    {
        var sum = 0;
        for (var i = 0; i < _healthy.Length; i++)
            if (percentile < (sum += _healthy[i]))
                return (i, false);
        for (var i = 0; i < _degraded.Length; i++)
            if (percentile < (sum += _degraded[i]))
                return (i, true);
        return (0, false);
    }

    /// <param name="priorities">Hosts by priority.</param>
    /// <param name="rules">Thresholds.</param>
    /// <param name="without">Bits of priorities that are to be left out.</param>
    public static PriorityLoads Of(PriorityHosts[] priorities, HostSetRules rules, ulong without = 0)
    {
        var loads = new PriorityLoads(priorities.Length);
        if (priorities.Length == 0) return loads;
        var (healthy, degraded) = (new int[priorities.Length], new int[priorities.Length]);
        for (var i = 0; i < priorities.Length; i++)
        {
            if (i < 64 && (without & 1UL << i) != 0) continue;
            healthy[i] = Availability(priorities[i], priorities[i].Healthy, rules);
            degraded[i] = Availability(priorities[i], priorities[i].Degraded, rules);
        }
        var total = Math.Min(100, healthy.Sum() + degraded.Sum());
        loads.IsUnavailable = total == 0;
        if (total > 0)
        {
            var left = Distribute(loads._healthy, healthy, 100, total);
            left = Distribute(loads._degraded, degraded, left, total);
            // What rounding left goes to the first that has anything.
            var first = Array.FindIndex(healthy, share => share > 0);
            if (first >= 0) loads._healthy[first] += left;
            else loads._degraded[Array.FindIndex(degraded, share => share > 0)] += left;
        }
        loads.LookForPanic(priorities, rules, total);
        return loads;
    }

    private void LookForPanic(PriorityHosts[] priorities, HostSetRules rules, int total)
    {
        if (rules.PanicThreshold <= 0)
        {
            // Panic is off: without usable hosts the first priority has the load, and nobody to carry it.
            if (total == 0) _healthy[0] = 100;
            return;
        }
        var all = true;
        for (var i = 0; i < priorities.Length; i++)
        {
            _panic[i] = total != 100 && IsBelow(priorities[i], rules.PanicThreshold);
            all &= _panic[i];
        }
        if (!all) return;
        // Everything is in panic: load follows the number of hosts, whatever their health.
        Array.Clear(_degraded);
        var hosts = priorities.Sum(priority => priority.All.Hosts.Length);
        if (hosts == 0)
        {
            _healthy[0] = 100;
            return;
        }
        var left = 100;
        for (var i = 0; i < priorities.Length; i++) left -= _healthy[i] = 100 * priorities[i].All.Hosts.Length / hosts;
        _healthy[Array.FindIndex(priorities, priority => priority.All.Hosts.Length > 0)] += left;
    }

    private static bool IsBelow(PriorityHosts priority, double threshold)
    {
        var counted = priority.All.Hosts.Length - priority.Excluded;
        var usable = counted <= 0 ? 0 : 100.0 * priority.Healthy.Hosts.Length / counted + 100.0 * priority.Degraded.Hosts.Length / counted;
        return usable < threshold;
    }

    private static int Availability(PriorityHosts priority, HostGroup usable, HostSetRules rules)
    {
        double all = 0, some = 0;
        if (rules.WeightedHealth)
        {
            foreach (var host in priority.All.Hosts)
                if (!host.IsExcluded)
                    all += host.Weight;
            foreach (var host in usable.Hosts) some += host.Weight;
        }
        else (all, some) = (priority.All.Hosts.Length - priority.Excluded, usable.Hosts.Length);
        return all <= 0 ? 0 : (int)Math.Min(100, rules.Overprovisioning * some / all);
    }

    private static int Distribute(int[] loads, int[] availability, int left, int total)
    {
        for (var i = 0; i < loads.Length; i++)
        {
            loads[i] = Math.Min(left, availability[i] * 100 / total);
            left -= loads[i];
        }
        return left;
    }
}
