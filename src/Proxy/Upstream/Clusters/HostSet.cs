namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>Hosts of one priority and what may be chosen of them. Immutable; rebuilt when hosts or their health change.</summary>
internal sealed class PriorityHosts(HostState[] all)
{
    public HostState[] All { get; } = all;

    /// <summary>Those that are healthy and not ejected.</summary>
    public HostState[] Usable { get; } = Array.FindAll(all, host => host.IsUsable);
}

/// <summary>All hosts of a cluster by priority. Immutable.</summary>
internal sealed class HostSet
{
    public static readonly HostSet Empty = new([], 50);
    private readonly double _panicThreshold;

    public HostSet(IReadOnlyList<HostState> hosts, double panicThreshold)
    {
        _panicThreshold = panicThreshold;
        All = [.. hosts];
        var priorities = hosts.Count == 0 ? 0 : hosts.Max(host => host.Priority) + 1;
        Priorities = [.. Enumerable.Range(0, priorities).Select(priority => new PriorityHosts([.. hosts.Where(host => host.Priority == priority)]))];
        Loads = SpreadLoad(Priorities);
    }

    public HostState[] All { get; }

    public PriorityHosts[] Priorities { get; }

    /// <summary>Percent of the load for each priority.</summary>
    public int[] Loads { get; }

    public HostState? Find(Network.SocketAddress address) => Array.Find(All, host => host.Address.Equals(address));

    /// <summary>
    /// The hosts to choose from, for a number from 0 to 99 that spreads requests over priorities; all hosts of the priority in
    /// panic, when too few are healthy.
    /// </summary>
    public HostState[] Choose(int percentile, out bool panic)
    {
        panic = false;
        if (Priorities.Length == 0) return [];
        var at = 0;
        for (var sum = Loads[0]; sum <= percentile && at + 1 < Loads.Length;) sum += Loads[++at];
        var priority = Priorities[at];
        if (priority.All.Length == 0) return priority.All;
        panic = priority.Usable.Length * 100.0 / priority.All.Length < _panicThreshold;
        return panic ? priority.All : priority.Usable;
    }

    /// <summary>
    /// The first priority takes what its health, times 1.4, allows; the rest spills over to the next. Source: Envoy's
    /// "Priority levels".
    /// </summary>
    private static int[] SpreadLoad(PriorityHosts[] priorities)
    {
        var loads = new int[priorities.Length];
        var health = Array.ConvertAll(priorities, p => p.All.Length == 0 ? 0 : Math.Min(100, 140 * p.Usable.Length / p.All.Length));
        var total = Math.Min(100, health.Sum());
        if (total == 0)
        {
            if (loads.Length > 0) loads[Math.Max(0, Array.FindIndex(priorities, p => p.All.Length > 0))] = 100;
            return loads;
        }
        var left = 100;
        for (var i = 0; i < loads.Length && left > 0; i++)
        {
            loads[i] = Math.Min(left, health[i] * 100 / total);
            left -= loads[i];
        }
        if (left > 0) loads[Array.FindIndex(loads, load => load > 0)] += left;
        return loads;
    }
}
