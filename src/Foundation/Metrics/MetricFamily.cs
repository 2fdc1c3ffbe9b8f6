using System.Collections.Concurrent;

namespace Lateen.Foundation.Metrics;

/// <summary>All series of one metric name.</summary>
public abstract class MetricFamily
{
    private protected MetricFamily(string name, string help, string type, string[] labelNames) =>
        (Name, Help, Type, LabelNames) = (name, help, type, labelNames);

    /// <summary>Metric name.</summary>
    public string Name { get; }

    private protected string Help { get; }

    private protected string Type { get; }

    private protected string[] LabelNames { get; }

    internal abstract void Write(ref ExpositionWriter writer);
}

/// <summary>All series of one metric name, told apart by the values of their labels. Any thread.</summary>
public sealed class MetricFamily<T> : MetricFamily
    where T : Metric
{
    private readonly ConcurrentDictionary<LabelValues, T> _series = new();
    private readonly Func<T> _create;

    internal MetricFamily(string name, string help, string type, string[] labelNames, Func<T> create)
        : base(name, help, type, labelNames)
    {
        _create = create;
        if (labelNames.Length == 0) With();
    }

    /// <summary>The series of these label values, made when it is new. As many values as the family has label names.</summary>
    public T With(params string[] values)
    {
        if (values.Length != LabelNames.Length) throw new ArgumentException($"{Name} has {LabelNames.Length} labels, {values.Length} values were given.");
        return _series.GetOrAdd(new LabelValues(values), static (_, create) => create(), _create);
    }

    /// <summary>Forgets a series, for what it counted is gone.</summary>
    public void Remove(params string[] values) => _series.TryRemove(new LabelValues(values), out _);

    internal override void Write(ref ExpositionWriter writer)
    {
        if (_series.IsEmpty) return;
        writer.Head(Name, Help, Type);
        foreach (var (values, metric) in _series.OrderBy(pair => pair.Key)) metric.Write(ref writer, Name, LabelNames, values.Values);
    }

    private readonly struct LabelValues(string[] values) : IEquatable<LabelValues>, IComparable<LabelValues>
    {
        public string[] Values => values;

        public bool Equals(LabelValues other) => values.AsSpan().SequenceEqual(other.Values);

        public override bool Equals(object? obj) => obj is LabelValues other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var value in values) hash.Add(value);
            return hash.ToHashCode();
        }

        public int CompareTo(LabelValues other)
        {
            for (var i = 0; i < values.Length; i++)
                if (string.CompareOrdinal(values[i], other.Values[i]) is not 0 and var order)
                    return order;
            return 0;
        }
    }
}
