using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>
/// Hosts of like standing, one of which is chosen. The members are immutable; each worker keeps its own place in the order, and
/// all share one hash table, made when it is first asked for.
/// </summary>
internal sealed class HostGroup
{
    public static readonly HostGroup Empty = new([], null, 1);
    private readonly WorkerPlace?[] _places;
    private readonly double[]? _shares;
    private readonly bool _isWeighted;
    private readonly double _totalWeight;
    private readonly long _newest;
    private IHashTable? _table;

    /// <param name="hosts">The members.</param>
    /// <param name="shares">Share of the load of each when weights alone do not say it; null otherwise.</param>
    /// <param name="workers">Number of workers that choose.</param>
    public HostGroup(HostState[] hosts, double[]? shares, int workers)
    {
        (Hosts, _shares) = (hosts, shares);
        _places = hosts.Length == 0 ? [] : new WorkerPlace?[workers];
        foreach (var host in hosts)
        {
            _totalWeight += host.Weight;
            _isWeighted |= host.Weight != hosts[0].Weight;
            _newest = Math.Max(_newest, host.InRotationSince);
        }
    }

    public HostState[] Hosts { get; }

    /// <summary>What part of all requests a member is to get, 0 to 1.</summary>
    public double ShareOf(int index) => _shares is not null ? _shares[index] : Hosts[index].Weight / _totalWeight;

    /// <summary>Members are not all alike: weights differ, or one is still in its slow start.</summary>
    public bool NeedsSchedule(SlowStart? slowStart, long now) => _isWeighted || slowStart is not null && now - _newest < slowStart.WindowMs;

    /// <summary>The next member in turn.</summary>
    public HostState NextInTurn(Worker worker) => Hosts[PlaceOf(worker).Turn++ % (uint)Hosts.Length];

    /// <summary>The next member by weight; requests in flight count against it by the bias.</summary>
    public HostState NextByWeight(Worker worker, SlowStart? slowStart, double activeBias)
    {
        var place = PlaceOf(worker);
        (place.SlowStart, place.ActiveBias, place.Now) = (slowStart, activeBias, worker.Now);
        place.Schedule ??= new EdfSchedule(Hosts.Length, place.WeightOf, worker.Random.Next(Hosts.Length));
        return Hosts[place.Schedule.Next(place.WeightOf)];
    }

    /// <summary>The table that spreads hashes over the members.</summary>
    public IHashTable Table(Func<HostGroup, BalancerSettings, IHashTable> build, BalancerSettings settings)
    {
        if (Volatile.Read(ref _table) is { } known) return known;
        lock (_places) return _table ??= build(this, settings);
    }

    private WorkerPlace PlaceOf(Worker worker) => _places[worker.Index] ??= new WorkerPlace(Hosts) { Turn = (uint)worker.Random.Next() };

    /// <summary>Where one worker is in the order. Owned by that worker.</summary>
    private sealed class WorkerPlace
    {
        public readonly Func<int, double> WeightOf;
        public uint Turn;
        public EdfSchedule? Schedule;
        public SlowStart? SlowStart;
        public double ActiveBias;
        public long Now;

        public WorkerPlace(HostState[] hosts) => WeightOf = index =>
        {
            var host = hosts[index];
            double weight = host.Weight;
            if (ActiveBias == 1) weight /= host.Active + 1;
            else if (ActiveBias > 0) weight /= Math.Pow(host.Active + 1, ActiveBias);
            return SlowStart is null ? weight : weight * SlowStart.FactorOf(host, Now);
        };
    }
}
