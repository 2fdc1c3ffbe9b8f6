using System.Text.Json.Nodes;

/// <summary>The routes of a proxy, a line each. Pure. Source: istioctl's configdump writer for routes.</summary>
internal static class RouteTable
{
    private const int ShownDomains = 3;

    /// <summary>The lines, by the name of the route configuration.</summary>
    public static string Write(IEnumerable<JsonObject> configs)
    {
        var table = new TextTable("NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE");
        foreach (var config in configs.OrderBy(config => NumberOf(config)).ThenBy(config => (string?)config["name"], StringComparer.Ordinal))
            foreach (var host in (config["virtual_hosts"] as JsonArray ?? []).OfType<JsonObject>().OrderBy(host => (string?)host["name"], StringComparer.Ordinal))
                foreach (var route in (host["routes"] as JsonArray ?? []).OfType<JsonObject>())
                    table.Add((string?)config["name"] ?? "", (string?)host["name"] ?? "", Domains(host["domains"] as JsonArray ?? []), Match(route["match"] as JsonObject ?? []), Source(route));
        return table.ToString();
    }

    // Numbers, which most names are, in their order, and before the words.
    private static int NumberOf(JsonObject config) => int.TryParse((string?)config["name"], out var number) ? number : int.MaxValue;

    private static string Domains(JsonArray domains)
    {
        // A port adds nothing that the name of the configuration does not say.
        var names = domains.Select(domain => (string?)domain ?? "").Where(domain => !domain.Contains(':', StringComparison.Ordinal)).ToList();
        if (names.Count == 0) names = [.. domains.Select(domain => (string?)domain ?? "")];
        return string.Join(", ", names.Take(ShownDomains)) + (names.Count > ShownDomains ? $" + {names.Count - ShownDomains} more..." : "");
    }

    private static string Match(JsonObject match)
    {
        var words = new List<string>();
        if ((string?)match["prefix"] is { } prefix) words.Add(prefix + "*");
        else if ((string?)match["path"] is { } path) words.Add(path);
        else if ((string?)match["path_separated_prefix"] is { } folder) words.Add($"PathPrefix:{folder}");
        else if ((string?)match["safe_regex"]?["regex"] is { } regex) words.Add($"regex {regex}");
        foreach (var header in (match["headers"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var text = header["string_match"] as JsonObject ?? [];
            words.Add($"{header["name"]}{((string?)text["exact"] is { } exact ? $"={exact}" : (string?)text["prefix"] is { } start ? $"={start}*" : "")}");
        }
        return string.Join(' ', words);
    }

    private static string Source(JsonObject route) => IstioConfig.NameOf(route, "virtual-service") is { Length: > 0 } name ? name
        : (int?)route["direct_response"]?["status"] is { } status ? $"{status}"
        : "";
}
