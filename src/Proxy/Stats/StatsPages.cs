using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.Proxy.Http.Routing;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy.Stats;

/// <summary>Statistics as Envoy's /stats page has them.</summary>
internal static class StatsPages
{
    public static string Plain(StatsStore stats, Dictionary<string, string> query)
    {
        Regex? filter = query.TryGetValue("filter", out var pattern) && pattern.Length > 0 ? SafeRegex.Compile(pattern, "filter", wholeText: false) : null;
        var lines = new List<(string Name, string Value)>();
        foreach (var group in stats.Groups)
            for (var field = 0; field < group.Fields.Count; field++)
            {
                var name = group.Prefix + group.Fields[field].Name;
                if (filter?.IsMatch(name) == false || query.ContainsKey("usedonly") && !group.IsUsed) continue;
                lines.Add((name, group.Fields[field].Kind == StatKind.Histogram ? Summary(group, field) : group.Read(field).ToString(CultureInfo.InvariantCulture)));
            }
        lines.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        if (query.GetValueOrDefault("format") != "json") return string.Concat(lines.Select(line => $"{line.Name}: {line.Value}\n"));
        var list = new JsonArray();
        foreach (var (name, value) in lines)
            list.Add((JsonNode)new JsonObject { ["name"] = name, ["value"] = long.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : value });
        return new JsonObject { ["stats"] = list }.ToJsonString() + "\n";
    }

    private static string Summary(StatGroup group, int field)
    {
        var (buckets, sum) = group.ReadHistogram(field);
        var count = buckets.Sum();
        return count == 0 ? "No recorded values" : string.Create(CultureInfo.InvariantCulture, $"count={count} sum={sum}");
    }
}

/// <summary>Statistics in Prometheus' text format under Envoy's names: parts of a name that vary become labels.</summary>
internal static class PrometheusPage
{
    public static byte[] Write(StatsStore stats, BootstrapConfig bootstrap, bool usedOnly)
    {
        var istio = bootstrap.StatsConfig?.StatsTags.Any(tag => tag.TagName == "cluster_name") == true;
        var allowed = StatsFilter.Of(bootstrap);
        var families = new SortedDictionary<string, (string Type, List<string> Lines)>(StringComparer.Ordinal);
        foreach (var group in stats.Groups)
        {
            if (usedOnly && !group.IsUsed) continue;
            var (family, labels) = Split(group.Prefix, istio);
            for (var field = 0; field < group.Fields.Count; field++)
            {
                if (!allowed(group.Prefix + group.Fields[field].Name)) continue;
                Add(families, group, field, family, labels, istio);
            }
        }
        var page = new StringBuilder();
        foreach (var (name, (type, lines)) in families)
        {
            page.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            foreach (var line in lines) page.Append(line).Append('\n');
        }
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private static void Add(SortedDictionary<string, (string Type, List<string> Lines)> families, StatGroup group, int field, string family, string labels, bool istio)
    {
        var (fieldName, kind) = (group.Fields[field].Name, group.Fields[field].Kind);
        if (fieldName.Length > 4 && fieldName[^4] == '_' && fieldName.EndsWith("xx", StringComparison.Ordinal))
        {
            labels = Join(labels, $"{(istio ? "response_code_class" : "envoy_response_code_class")}=\"{(istio ? fieldName[^3..] : fieldName[^3..^2])}\"");
            fieldName = fieldName[..^3] + "xx";
        }
        var name = Sanitize($"envoy_{family}{fieldName}");
        if (!families.TryGetValue(name, out var entry)) families[name] = entry = (kind.ToString().ToLowerInvariant(), []);
        if (kind != StatKind.Histogram)
        {
            entry.Lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {group.Read(field)}"));
            return;
        }
        var (buckets, sum) = group.ReadHistogram(field);
        long total = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            total += buckets[i];
            var bound = i < StatGroup.Bounds.Length ? StatGroup.Bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            entry.Lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_bucket{{{Join(labels, $"le=\"{bound}\"")}}} {total}"));
        }
        entry.Lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {sum}"));
        entry.Lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}_count{{{labels}}} {total}"));
    }

    /// <summary>"cluster.NAME." → family "cluster_", label cluster_name.</summary>
    private static (string Family, string Labels) Split(string prefix, bool istio)
    {
        foreach (var (head, label, istioLabel) in new[]
                 {
                     ("cluster.", "envoy_cluster_name", "cluster_name"), ("http.", "envoy_http_conn_manager_prefix", "http_conn_manager_prefix"),
                     ("listener.", "envoy_listener_address", "listener_address"), ("tcp.", "envoy_tcp_prefix", "tcp_prefix"),
                 })
            if (prefix.StartsWith(head, StringComparison.Ordinal))
                return (head.Replace('.', '_'), $"{(istio ? istioLabel : label)}=\"{prefix[head.Length..^1].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        return (prefix.Replace('.', '_'), "");
    }

    private static string Join(string labels, string more) => labels.Length == 0 ? more : $"{labels},{more}";

    private static string Sanitize(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));
}

/// <summary>Which statistics are shown: stats_config.stats_matcher of the bootstrap.</summary>
internal static class StatsFilter
{
    public static Func<string, bool> Of(BootstrapConfig bootstrap)
    {
        var matcher = bootstrap.StatsConfig?.StatsMatcher;
        if (matcher is null) return _ => true;
        if (matcher.StatsMatcherCase == Envoy.Config.Metrics.V3.StatsMatcher.StatsMatcherOneofCase.RejectAll) return _ => !matcher.RejectAll;
        var isInclusion = matcher.StatsMatcherCase == Envoy.Config.Metrics.V3.StatsMatcher.StatsMatcherOneofCase.InclusionList;
        var patterns = (isInclusion ? matcher.InclusionList : matcher.ExclusionList)?.Patterns.Select((pattern, i) => StringMatch.From(pattern, $"stats_matcher[{i}]")).ToArray() ?? [];
        return name => patterns.Any(pattern => pattern.IsMatch(Encoding.UTF8.GetBytes(name))) == isInclusion;
    }
}
