using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Stats;

/// <summary>What a field of a group is.</summary>
internal enum StatKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One field of a group: its name behind the group's prefix, and what it is.</summary>
internal readonly record struct StatField(string Name, StatKind Kind = StatKind.Counter);

/// <summary>
/// The statistics of one thing (a cluster, a listener, a connection manager): each worker counts in cells of its own,
/// without locks, and a reader adds them up. Cells are made when a worker first counts, so that what is never used costs
/// nothing. Counting: the worker's thread only; reading: any thread.
/// </summary>
internal class StatGroup
{
    /// <summary>Upper bounds of the histograms' buckets, Envoy's own.</summary>
    public static readonly double[] Bounds =
        [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000];

    private readonly StatField[] _fields;
    private readonly int[] _offsets;
    private readonly double[][] _bounds;
    private int _size;
    private readonly long[]?[] _cells;
    private long[]? _shared;

    public StatGroup(string prefix, StatField[] fields, int workers)
    {
        (Prefix, _fields) = (prefix, fields);
        _offsets = new int[fields.Length];
        _bounds = new double[fields.Length][];
        UseBounds(static _ => Bounds);
        _cells = new long[]?[workers];
    }

    /// <summary>Gives the histograms other buckets, by full name. Only before anything is counted.</summary>
    public void UseBounds(Func<string, double[]> boundsOf)
    {
        _size = 0;
        for (var i = 0; i < _fields.Length; i++)
        {
            _offsets[i] = _size;
            _bounds[i] = _fields[i].Kind == StatKind.Histogram ? boundsOf(Prefix + _fields[i].Name) : [];
            // One cell for each bound, one without bound, one for the sum.
            _size += _fields[i].Kind == StatKind.Histogram ? _bounds[i].Length + 2 : 1;
        }
    }

    /// <summary>Upper bounds of a histogram's buckets.</summary>
    public double[] BoundsOf(int field) => _bounds[field];

    /// <summary>Begins the full name of every field, dot included.</summary>
    public string Prefix { get; }

    public IReadOnlyList<StatField> Fields => _fields;

    /// <summary>Counts on a worker.</summary>
    public void Add(Worker worker, int field, long amount = 1) => (_cells[worker.Index] ??= new long[_size])[_offsets[field]] += amount;

    /// <summary>Counts on any other thread.</summary>
    public void AddShared(int field, long amount = 1)
    {
        var cells = Volatile.Read(ref _shared) ?? Interlocked.CompareExchange(ref _shared, new long[_size], null) ?? _shared!;
        Interlocked.Add(ref cells[_offsets[field]], amount);
    }

    /// <summary>Sets a gauge that only other threads write.</summary>
    public void SetShared(int field, long value) => AddShared(field, value - Read(field));

    /// <summary>Puts milliseconds into a histogram.</summary>
    public void Observe(Worker worker, int field, double milliseconds)
    {
        var (cells, bounds) = (_cells[worker.Index] ??= new long[_size], _bounds[field]);
        var bucket = 0;
        while (bucket < bounds.Length && milliseconds > bounds[bucket]) bucket++;
        cells[_offsets[field] + bucket]++;
        cells[_offsets[field] + bounds.Length + 1] += (long)(milliseconds * 1000);
    }

    /// <summary>The value of a counter or gauge.</summary>
    public long Read(int field) => Sum(_offsets[field]);

    /// <summary>Counts of a histogram's buckets, the last without bound, and the sum in milliseconds.</summary>
    public (long[] Buckets, double Sum) ReadHistogram(int field)
    {
        var buckets = new long[_bounds[field].Length + 1];
        for (var i = 0; i < buckets.Length; i++) buckets[i] = Sum(_offsets[field] + i);
        return (buckets, Sum(_offsets[field] + buckets.Length) / 1000.0);
    }

    /// <summary>Anything was ever counted.</summary>
    public bool IsUsed => _shared is not null || Array.Exists(_cells, cells => cells is not null);

    /// <summary>Zeroes counters and histograms; gauges stay.</summary>
    public void ResetCounters()
    {
        foreach (var cells in _cells.Append(_shared))
            for (var field = 0; cells is not null && field < _fields.Length; field++)
                if (_fields[field].Kind != StatKind.Gauge)
                    Array.Clear(cells, _offsets[field], _fields[field].Kind == StatKind.Histogram ? _bounds[field].Length + 2 : 1);
    }

    private long Sum(int cell)
    {
        long sum = _shared is { } shared ? Volatile.Read(ref shared[cell]) : 0;
        foreach (var cells in _cells)
            if (cells is not null)
                sum += Volatile.Read(ref cells[cell]);
        return sum;
    }
}
