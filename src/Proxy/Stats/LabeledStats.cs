using System.Collections.Concurrent;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Stats;

/// <summary>
/// Statistics whose labels are made from traffic rather than from configuration: Istio's standard metrics. Each worker has
/// cells of its own; finding one by its labels is the slow way, so users keep what they found. Counting: the worker's thread;
/// reading: any thread.
/// </summary>
internal sealed class LabeledStats(int workers, Func<string, double[]> boundsOf)
{
    private readonly ConcurrentDictionary<(string Family, string Labels), LabeledCell>[] _cells =
        [.. Enumerable.Range(0, workers).Select(_ => new ConcurrentDictionary<(string, string), LabeledCell>())];

    /// <summary>The cell of a family and labels on a worker; the labels in Prometheus' form: <c>name="value",…</c>.</summary>
    public LabeledCell Cell(Worker worker, string family, StatKind kind, string labels) =>
        _cells[worker.Index].GetOrAdd((family, labels), static (key, made) => new LabeledCell(made.kind, made.kind == StatKind.Histogram ? made.boundsOf(key.Family) : []), (kind, boundsOf));

    /// <summary>All families, labels sorted, the workers' counts added up.</summary>
    public IEnumerable<(string Family, string Labels, LabeledCell Sum)> Read()
    {
        var sums = new SortedDictionary<(string, string), LabeledCell>();
        foreach (var worker in _cells)
            foreach (var (key, cell) in worker)
            {
                if (!sums.TryGetValue(key, out var sum)) sums[key] = sum = new LabeledCell(cell.Kind, cell.Bounds);
                sum.Add(cell);
            }
        return sums.Select(entry => (entry.Key.Item1, entry.Key.Item2, entry.Value));
    }

    public void ResetCounters()
    {
        foreach (var worker in _cells)
            foreach (var cell in worker.Values)
                cell.Reset();
    }
}

/// <summary>One counter, gauge or histogram. Written by one thread, read by any.</summary>
internal sealed class LabeledCell(StatKind kind, double[] bounds)
{
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private long _value;
    private double _sum;

    public StatKind Kind => kind;

    public double[] Bounds => bounds;

    /// <summary>A counter's or gauge's value; the number of a histogram's observations.</summary>
    public long Value => Volatile.Read(ref _value);

    public double Sum => Volatile.Read(ref _sum);

    public long[] Buckets => _buckets;

    public void Add(long amount) => Volatile.Write(ref _value, _value + amount);

    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        _buckets[bucket]++;
        _value++;
        _sum += value;
    }

    public void Add(LabeledCell other)
    {
        _value += other.Value;
        _sum += other.Sum;
        for (var i = 0; i < _buckets.Length; i++) _buckets[i] += Volatile.Read(ref other._buckets[i]);
    }

    public void Reset()
    {
        if (kind == StatKind.Gauge) return;
        (_value, _sum) = (0, 0);
        Array.Clear(_buckets);
    }
}
