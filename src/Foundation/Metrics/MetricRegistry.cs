using System.Buffers;
using System.Collections.Concurrent;

namespace Lateen.Foundation.Metrics;

/// <summary>
/// The metrics of a process, written in Prometheus' text format 0.0.4. Asking for a name twice gives the same family; with
/// another type or other labels it is an error of the program. Any thread.
/// </summary>
public sealed class MetricRegistry
{
    /// <summary>The content type of <see cref="WriteText"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly List<Action> _collectors = [];

    /// <summary>A value that only grows.</summary>
    public MetricFamily<Counter> Counter(string name, string help, params string[] labelNames) =>
        Family(name, () => new MetricFamily<Counter>(name, help, "counter", labelNames, () => new Counter()));

    /// <summary>A value that goes up and down.</summary>
    public MetricFamily<Gauge> Gauge(string name, string help, params string[] labelNames) =>
        Family(name, () => new MetricFamily<Gauge>(name, help, "gauge", labelNames, () => new Gauge()));

    /// <summary>Observations counted in buckets; the bounds are upper bounds, ascending, without +Inf.</summary>
    public MetricFamily<Histogram> Histogram(string name, string help, double[] bounds, params string[] labelNames) =>
        Family(name, () => new MetricFamily<Histogram>(name, help, "histogram", labelNames, () => new Histogram(bounds)));

    /// <summary>Runs before each exposition, to set gauges that are read rather than kept.</summary>
    public void BeforeWrite(Action collect)
    {
        lock (_collectors) _collectors.Add(collect);
    }

    /// <summary>Every family in the order of its name, in text format.</summary>
    public void WriteText(IBufferWriter<byte> output)
    {
        Action[] collectors;
        lock (_collectors) collectors = [.. _collectors];
        foreach (var collect in collectors) collect();
        var writer = new ExpositionWriter(output);
        foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)) family.Write(ref writer);
    }

    private MetricFamily<T> Family<T>(string name, Func<MetricFamily<T>> create)
        where T : Metric =>
        _families.GetOrAdd(name, _ => create()) as MetricFamily<T> ?? throw new InvalidOperationException($"The metric {name} has another type already.");
}
