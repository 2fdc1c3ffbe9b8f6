using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Lateen.Proxy.Stats;

/// <summary>Statistics in Prometheus' text format under the names and labels that Envoy gives them.</summary>
internal static class PrometheusPage
{
    /// <summary>The page; without what was never counted when asked, and without the names that the filter does not find.</summary>
    public static byte[] Write(StatsStore stats, bool usedOnly, Regex? filter)
    {
        var families = new SortedDictionary<string, (string Type, List<string> Lines)>(StringComparer.Ordinal);
        foreach (var group in stats.Groups)
        {
            if (usedOnly && !group.IsUsed) continue;
            for (var field = 0; field < group.Fields.Count; field++)
            {
                var full = group.Prefix + group.Fields[field].Name;
                if (!stats.IsShown(full) || filter?.IsMatch(full) == false) continue;
                var (name, labels) = stats.Tags.Of(full);
                Add(families, "envoy_" + PrometheusText.Sanitize(name), labels, group, field);
            }
        }
        foreach (var (full, value) in stats.Computed)
        {
            if (!stats.IsShown(full) || filter?.IsMatch(full) == false) continue;
            var (name, labels) = stats.Tags.Of(full);
            Family(families, "envoy_" + PrometheusText.Sanitize(name), StatKind.Gauge).Add(Line("envoy_" + PrometheusText.Sanitize(name), labels, value()));
        }
        foreach (var (family, labels, cell) in stats.Labeled.Read())
        {
            if (!stats.IsShown("istiocustom." + family) || filter?.IsMatch(family) == false) continue;
            var lines = Family(families, family, cell.Kind);
            if (cell.Kind == StatKind.Histogram) AddHistogram(lines, family, labels, cell.Bounds, cell.Buckets, cell.Sum);
            else lines.Add(Line(family, labels, cell.Value));
        }
        var page = new StringBuilder();
        foreach (var (name, (type, lines)) in families)
        {
            page.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            foreach (var line in lines) page.Append(line).Append('\n');
        }
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private static void Add(SortedDictionary<string, (string Type, List<string> Lines)> families, string name, string labels, StatGroup group, int field)
    {
        var lines = Family(families, name, group.Fields[field].Kind);
        if (group.Fields[field].Kind != StatKind.Histogram)
        {
            lines.Add(Line(name, labels, group.Read(field)));
            return;
        }
        var (buckets, sum) = group.ReadHistogram(field);
        AddHistogram(lines, name, labels, group.BoundsOf(field), buckets, sum);
    }

    private static List<string> Family(SortedDictionary<string, (string Type, List<string> Lines)> families, string name, StatKind kind)
    {
        if (!families.TryGetValue(name, out var entry)) families[name] = entry = (kind.ToString().ToLowerInvariant(), []);
        return entry.Lines;
    }

    private static void AddHistogram(List<string> lines, string name, string labels, double[] bounds, long[] buckets, double sum)
    {
        long total = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            total += buckets[i];
            var bound = i < bounds.Length ? bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_bucket{{{(labels.Length > 0 ? labels + "," : "")}le=\"{bound}\"}} {total}"));
        }
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {sum}"));
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_count{{{labels}}} {total}"));
    }

    private static string Line(string name, string labels, long value) => string.Create(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {value}");
}
