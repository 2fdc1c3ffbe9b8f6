using System.Text.Json.Nodes;

/// <summary>The listeners of a proxy, a line for each filter chain. Pure. Source: istioctl's configdump writer for listeners.</summary>
internal static class ListenerTable
{
    /// <summary>Whether a listener is asked for.</summary>
    public static bool Matches(JsonObject listener, string? address, int? port, string? type)
    {
        var (host, number) = AddressOf(listener);
        return (address is null || host == address) && (port is null || number == port) && (type is null || string.Equals(TypeOf(listener), type, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The lines, by port and address.</summary>
    public static string Write(IEnumerable<JsonObject> listeners)
    {
        var table = new TextTable("ADDRESSES", "PORT", "MATCH", "DESTINATION");
        foreach (var listener in listeners.OrderBy(listener => AddressOf(listener).Port).ThenBy(listener => AddressOf(listener).Host, StringComparer.Ordinal))
        {
            var (host, port) = AddressOf(listener);
            var chains = (listener["filter_chains"] as JsonArray ?? []).OfType<JsonObject>().ToList();
            if (listener["default_filter_chain"] is JsonObject otherwise) chains.Add(otherwise);
            foreach (var chain in chains) table.Add(host, $"{port}", MatchOf(chain), DestinationOf(chain));
            if (chains.Count == 0) table.Add(host, $"{port}", "", "No filter chains");
        }
        return table.ToString();
    }

    private static (string Host, int Port) AddressOf(JsonObject listener) =>
        ((string?)listener["address"]?["socket_address"]?["address"] ?? "-", (int?)listener["address"]?["socket_address"]?["port_value"] ?? 0);

    private static string TypeOf(JsonObject listener)
    {
        var names = (listener["filter_chains"] as JsonArray ?? []).OfType<JsonObject>().SelectMany(Filters).Select(filter => (string?)filter["name"]).ToHashSet();
        var http = names.Contains("envoy.filters.network.http_connection_manager");
        var tcp = names.Contains("envoy.filters.network.tcp_proxy");
        return http && tcp ? "HTTP+TCP" : http ? "HTTP" : tcp ? "TCP" : "UNKNOWN";
    }

    private static IEnumerable<JsonObject> Filters(JsonObject chain) => (chain["filters"] as JsonArray ?? []).OfType<JsonObject>();

    private static string MatchOf(JsonObject chain)
    {
        if (chain["filter_chain_match"] is not JsonObject match) return "ALL";
        var words = new List<string>();
        if (Texts(match["server_names"]) is { Length: > 0 } names) words.Add($"SNI: {names}");
        if ((string?)match["transport_protocol"] is { Length: > 0 } transport) words.Add($"Trans: {transport}");
        if (Texts(match["application_protocols"]) is { Length: > 0 } applications) words.Add($"App: {applications}");
        var ranges = string.Join(',', (match["prefix_ranges"] as JsonArray ?? []).Select(range => $"{range!["address_prefix"]}/{range["prefix_len"]}"));
        var port = (int?)match["destination_port"];
        if (ranges.Length > 0 || port is not null) words.Add($"Addr: {(ranges.Length > 0 ? ranges : "*")}{(port is null ? "" : $":{port}")}");
        return words.Count == 0 ? "ALL" : string.Join("; ", words);
    }

    private static string Texts(JsonNode? list) => string.Join(',', (list as JsonArray ?? []).Select(item => (string?)item));

    private static string DestinationOf(JsonObject chain)
    {
        foreach (var config in Filters(chain).Select(filter => filter["typed_config"]).OfType<JsonObject>())
        {
            if ((string?)config["rds"]?["route_config_name"] is { } route) return $"Route: {route}";
            if (config["route_config"] is JsonObject inline) return InlineRoute(inline);
            if ((string?)config["cluster"] is { } cluster) return Cluster(cluster);
            if (config["weighted_clusters"]?["clusters"] is JsonArray weighted)
                return string.Join(", ", weighted.Select(entry => $"{Cluster((string?)entry!["name"] ?? "")} ({entry["weight"]})"));
        }
        return "Non-HTTP/Non-TCP";
    }

    private static string InlineRoute(JsonObject config)
    {
        var clusters = (config["virtual_hosts"] as JsonArray ?? []).SelectMany(host => host?["routes"] as JsonArray ?? []).Select(route => (string?)route?["route"]?["cluster"]).OfType<string>().Distinct().ToList();
        return clusters.Count > 0 ? $"Inline Route: {string.Join(", ", clusters)}" : "Inline Route:";
    }

    private static string Cluster(string name) => name.Contains("PassthroughCluster", StringComparison.Ordinal) || name == "BlackHoleCluster" ? name : $"Cluster: {name}";
}
