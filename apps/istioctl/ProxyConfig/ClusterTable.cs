using System.Text.Json.Nodes;

/// <summary>The clusters of a proxy, a line each. Pure. Source: istioctl's configdump writer for clusters.</summary>
internal static class ClusterTable
{
    /// <summary>Whether a cluster is asked for.</summary>
    public static bool Matches(JsonObject cluster, string? fqdn, int? port, string? direction, string? subset)
    {
        var name = ClusterParts.Read(cluster);
        return (fqdn is null || name.Host.Contains(fqdn, StringComparison.Ordinal)) && (port is null || name.Port == $"{port}")
            && (direction is null || string.Equals(name.Direction, direction, StringComparison.OrdinalIgnoreCase)) && (subset is null || name.Subset == subset);
    }

    /// <summary>The lines, sorted as Istio sorts them: by host, port, subset and direction.</summary>
    public static string Write(IEnumerable<JsonObject> clusters)
    {
        var table = new TextTable("SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE");
        foreach (var (name, cluster) in clusters.Select(cluster => (ClusterParts.Read(cluster), cluster))
                     .OrderBy(entry => entry.Item1.Host, StringComparer.Ordinal).ThenBy(entry => entry.Item1.Port.Length).ThenBy(entry => entry.Item1.Port, StringComparer.Ordinal)
                     .ThenBy(entry => entry.Item1.Subset, StringComparer.Ordinal).ThenBy(entry => entry.Item1.Direction, StringComparer.Ordinal))
            table.Add(name.Host, name.Port, name.Subset, name.Direction, (string?)cluster["type"] ?? (string?)cluster["cluster_type"]?["name"] ?? "STATIC", IstioConfig.NameOf(cluster, "destination-rule"));
        return table.ToString();
    }
}

/// <summary>The parts of a name such as <c>outbound|9080|v1|reviews.default.svc.cluster.local</c>; "-" for what a name does not have.</summary>
internal readonly record struct ClusterParts(string Direction, string Port, string Subset, string Host)
{
    public static ClusterParts Read(JsonObject cluster) => Read((string?)cluster["name"] ?? (string?)cluster["cluster_name"] ?? "");

    public static ClusterParts Read(string name)
    {
        // Behind gateways that pass TLS through, underscores and dots stand for the bars: outbound_.9080_.v1_.reviews...
        var parts = name.Contains('|', StringComparison.Ordinal) ? name.Split('|') : name.Split("_.", 4);
        return parts is [var direction, var port, var subset, var host] ? new(direction, port, subset.Length > 0 ? subset : "-", host) : new("-", "-", "-", name);
    }
}

/// <summary>Which object of Istio's a part of the configuration came from, as Pilot notes it in the metadata.</summary>
internal static class IstioConfig
{
    /// <summary><c>name.namespace</c> of an object of a kind; empty when the part came from none.</summary>
    public static string NameOf(JsonObject part, string kind)
    {
        // /apis/networking.istio.io/v1/namespaces/default/destination-rule/reviews
        var path = ((string?)part["metadata"]?["filter_metadata"]?["istio"]?["config"] ?? "").Split('/');
        return path is [.., "namespaces", var ns, var found, var name] && found == kind ? $"{name}.{ns}" : "";
    }
}
