using System.Text;
using Istio.Extensions.Stats;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Expressions;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.IstioStats;

/// <summary>What a Telemetry resource changes in the standard metrics: metrics dropped, labels dropped, set or added, metrics added. Immutable.</summary>
internal sealed class MetricOverrides
{
    private static readonly string[] StandardMetrics =
    [
        "requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes", "request_messages_total", "response_messages_total", "tcp_connections_opened_total",
        "tcp_connections_closed_total", "tcp_sent_bytes_total", "tcp_received_bytes_total",
    ];

    private readonly List<CelNode> _expressions = [];
    private readonly HashSet<string> _dropped = new(StringComparer.Ordinal);

    /// <summary>By metric and label: the expression that sets it, or -1 for a label that is dropped.</summary>
    private readonly Dictionary<(string Metric, string Label), int> _labels = [];

    /// <summary>Metrics of the configuration's own.</summary>
    public (string Name, CelNode Value, StatKind Kind)[] Custom { get; private init; } = [];

    /// <exception cref="Compile.ConfigRefusedException">An expression is none.</exception>
    public static MetricOverrides Compile(PluginConfig config, string path)
    {
        var overrides = new MetricOverrides
        {
            Custom = [.. config.Definitions.Where(definition => !StandardMetrics.Contains(definition.Name)).Select((definition, i) => (definition.Name, CelParser.Parse(definition.Value, $"{path}.definitions[{i}].value"), definition.Type switch
            {
                MetricType.Gauge => StatKind.Gauge,
                MetricType.Histogram => StatKind.Histogram,
                _ => StatKind.Counter,
            }))],
        };
        for (var i = 0; i < config.Metrics.Count; i++) overrides.Add(config.Metrics[i], $"{path}.metrics[{i}]");
        return overrides;
    }

    public bool IsDropped(string metric) => _dropped.Contains(metric);

    /// <summary>The values of all expressions for a stream, one string with NUL between them; null when there are none.</summary>
    public string? Evaluate(in FormatContext context)
    {
        if (_expressions.Count == 0) return null;
        var values = new string[_expressions.Count];
        for (var i = 0; i < values.Length; i++) values[i] = _expressions[i].Evaluate(context).Print()?.Replace('\0', ' ') ?? "unknown";
        return string.Join('\0', values);
    }

    /// <summary>The labels of a metric in Prometheus' form.</summary>
    public string Write(string metric, MetricLabels labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels.Standard)
            if (!_labels.TryGetValue((metric, name), out var set)) PrometheusText.AppendLabel(text, name, value);
            else if (set >= 0) PrometheusText.AppendLabel(text, name, labels.Dynamic[set]);
        WriteAdded(text, metric, labels.Dynamic, name => !labels.Standard.Any(label => label.Name == name));
        return text.ToString();
    }

    /// <summary>Counts the configuration's own metrics; on the worker.</summary>
    public void CountCustom(Worker worker, StatsStore stats, in FormatContext context, string? dynamic)
    {
        var values = dynamic?.Split('\0') ?? [];
        foreach (var (name, expression, kind) in Custom)
        {
            var amount = expression.Evaluate(context) is { IsNumber: true } value ? (long)value.Number : 0;
            var labels = new StringBuilder();
            WriteAdded(labels, name, values, _ => true);
            var cell = stats.Labeled.Cell(worker, "istio_" + PrometheusText.Sanitize(name), kind, labels.ToString());
            if (kind == StatKind.Histogram) cell.Observe(amount);
            else cell.Add(kind == StatKind.Gauge ? amount - cell.Value : amount);
        }
    }

    private void WriteAdded(StringBuilder text, string metric, string[] values, Func<string, bool> isAdded)
    {
        foreach (var ((_, label), expression) in _labels.Where(entry => entry.Key.Metric == metric && entry.Value >= 0 && isAdded(entry.Key.Label)).OrderBy(entry => entry.Key.Label, StringComparer.Ordinal))
            PrometheusText.AppendLabel(text, PrometheusText.Sanitize(label), values[expression]);
    }

    private void Add(MetricConfig config, string path)
    {
        if (config.Drop)
        {
            _dropped.Add(config.Name);
            return;
        }
        string[] metrics = config.Name.Length > 0 ? [config.Name] : [.. StandardMetrics, .. Custom.Select(custom => custom.Name)];
        foreach (var label in config.TagsToRemove)
            foreach (var metric in metrics)
                _labels[(metric, label)] = -1;
        foreach (var (label, text) in config.Dimensions.OrderBy(dimension => dimension.Key, StringComparer.Ordinal))
        {
            _expressions.Add(CelParser.Parse(text, $"{path}.dimensions[{label}]"));
            foreach (var metric in metrics) _labels[(metric, label)] = _expressions.Count - 1;
        }
    }
}
