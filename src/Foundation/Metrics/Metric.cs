namespace Lateen.Foundation.Metrics;

/// <summary>One series. Any thread.</summary>
public abstract class Metric
{
    private protected Metric()
    {
    }

    internal abstract void Write(ref ExpositionWriter writer, string name, string[] labelNames, string[] labelValues);

    private protected static void Add(ref double target, double amount)
    {
        var seen = Volatile.Read(ref target);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref target, seen + amount, seen);
            if (before.Equals(seen)) return;
            seen = before;
        }
    }
}

/// <summary>A value that only grows.</summary>
public sealed class Counter : Metric
{
    private double _value;

    /// <summary>The sum so far.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>Adds a non-negative amount.</summary>
    public void Increment(double amount = 1) => Add(ref _value, amount);

    internal override void Write(ref ExpositionWriter writer, string name, string[] labelNames, string[] labelValues) =>
        writer.Sample(name, "", labelNames, labelValues, null, Value);
}

/// <summary>A value that goes up and down.</summary>
public sealed class Gauge : Metric
{
    private double _value;

    /// <summary>The value now.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>Replaces the value.</summary>
    public void Set(double value) => Volatile.Write(ref _value, value);

    /// <summary>Adds an amount, which may be negative.</summary>
    public void Increment(double amount = 1) => Add(ref _value, amount);

    internal override void Write(ref ExpositionWriter writer, string name, string[] labelNames, string[] labelValues) =>
        writer.Sample(name, "", labelNames, labelValues, null, Value);
}

/// <summary>Observations counted in buckets, with their sum and number.</summary>
public sealed class Histogram : Metric
{
    private readonly double[] _bounds;
    private readonly long[] _buckets;
    private double _sum;

    internal Histogram(double[] bounds)
    {
        _bounds = bounds;
        _buckets = new long[bounds.Length + 1];
    }

    /// <summary>Counts one observation.</summary>
    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < _bounds.Length && value > _bounds[bucket]) bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Add(ref _sum, value);
    }

    internal override void Write(ref ExpositionWriter writer, string name, string[] labelNames, string[] labelValues)
    {
        long total = 0;
        for (var i = 0; i < _buckets.Length; i++)
        {
            total += Volatile.Read(ref _buckets[i]);
            writer.Sample(name, "_bucket", labelNames, labelValues, i < _bounds.Length ? _bounds[i] : double.PositiveInfinity, total);
        }
        writer.Sample(name, "_sum", labelNames, labelValues, null, Volatile.Read(ref _sum));
        writer.Sample(name, "_count", labelNames, labelValues, null, total);
    }
}
