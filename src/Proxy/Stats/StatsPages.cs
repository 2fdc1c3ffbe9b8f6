using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Lateen.Proxy.Stats;

/// <summary>Statistics as Envoy's /stats page has them, as text or as JSON.</summary>
internal static class StatsPages
{
    private static readonly double[] Quantiles = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];

    /// <summary>The page; the type is Counters, Gauges or Histograms, or null for all.</summary>
    public static string Write(StatsStore stats, bool isJson, bool usedOnly, string? type, Regex? filter)
    {
        var lines = new List<(string Name, StatKind Kind, string Text, JsonNode? Json)>();
        foreach (var group in stats.Groups)
            for (var field = 0; field < group.Fields.Count; field++)
            {
                var (name, kind) = (group.Prefix + group.Fields[field].Name, group.Fields[field].Kind);
                if (usedOnly && !group.IsUsed || !stats.IsShown(name) || filter?.IsMatch(name) == false || !IsOfType(kind, type)) continue;
                if (kind == StatKind.Histogram) lines.Add((name, kind, Summary(group, field, out var values), values));
                else lines.Add((name, kind, group.Read(field).ToString(CultureInfo.InvariantCulture), null));
            }
        foreach (var (name, value) in stats.Computed)
            if (stats.IsShown(name) && filter?.IsMatch(name) != false && IsOfType(StatKind.Gauge, type))
                lines.Add((name, StatKind.Gauge, value().ToString(CultureInfo.InvariantCulture), null));
        foreach (var (family, labels, cell) in stats.Labeled.Read())
        {
            var name = $"istiocustom.{family}{(labels.Length > 0 ? "." + labels.Replace("\"", "", StringComparison.Ordinal).Replace(',', '.').Replace('=', '.') : "")}";
            if (cell.Kind != StatKind.Histogram && stats.IsShown(name) && filter?.IsMatch(name) != false && IsOfType(cell.Kind, type))
                lines.Add((name, cell.Kind, cell.Value.ToString(CultureInfo.InvariantCulture), null));
        }
        // Envoy shows counters and gauges first, then histograms, each sorted.
        lines.Sort((a, b) => (a.Kind == StatKind.Histogram).CompareTo(b.Kind == StatKind.Histogram) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Name));
        if (!isJson) return string.Concat(lines.Select(line => $"{line.Name}: {line.Text}\n"));
        var list = new JsonArray([.. lines.Where(line => line.Kind != StatKind.Histogram)
            .Select(line => (JsonNode)new JsonObject { ["name"] = line.Name, ["value"] = long.Parse(line.Text, CultureInfo.InvariantCulture) })]);
        if (lines.Exists(line => line.Kind == StatKind.Histogram))
            list.Add((JsonNode)new JsonObject
            {
                ["histograms"] = new JsonObject
                {
                    ["supported_quantiles"] = new JsonArray([.. Quantiles.Select(quantile => (JsonNode)quantile)]),
                    ["computed_quantiles"] = new JsonArray([.. lines.Where(line => line.Kind == StatKind.Histogram).Select(line => (JsonNode)new JsonObject { ["name"] = line.Name, ["values"] = line.Json })]),
                },
            });
        return new JsonObject { ["stats"] = list }.ToJsonString() + "\n";
    }

    private static bool IsOfType(StatKind kind, string? type) => type is null || type.Equals($"{kind}s", StringComparison.OrdinalIgnoreCase);

    /// <summary>Quantiles, straight lines drawn between the bounds of the buckets.</summary>
    private static string Summary(StatGroup group, int field, out JsonNode values)
    {
        var ((buckets, _), bounds) = (group.ReadHistogram(field), group.BoundsOf(field));
        var count = buckets.Sum();
        var computed = Quantiles.Select(quantile => count == 0 ? (double?)null : At(buckets, bounds, quantile / 100 * count)).ToArray();
        values = new JsonArray([.. computed.Select(value => (JsonNode)new JsonObject { ["interval"] = null, ["cumulative"] = value })]);
        if (count == 0) return "No recorded values";
        var text = new StringBuilder();
        for (var i = 0; i < Quantiles.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"{(i > 0 ? " " : "")}P{Quantiles[i]}(nan,{computed[i]:0.###})");
        return text.ToString();
    }

    private static double At(long[] buckets, double[] bounds, double wanted)
    {
        double seen = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            if (buckets[i] == 0 || seen + buckets[i] < wanted)
            {
                seen += buckets[i];
                continue;
            }
            var low = i == 0 ? 0 : bounds[i - 1];
            var high = i < bounds.Length ? bounds[i] : low;
            return low + (high - low) * (wanted - seen) / buckets[i];
        }
        return bounds[^1];
    }
}
