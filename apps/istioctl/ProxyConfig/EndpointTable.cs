using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Foundation.Cli;

/// <summary>The endpoints of a proxy, a line each, out of Envoy's page of clusters. Pure. Source: istioctl's clusters writer.</summary>
internal static class EndpointTable
{
    /// <summary>One endpoint.</summary>
    public sealed record Entry(string Address, string Port, string Cluster, string Status, bool IsEjected, JsonObject Json)
    {
        /// <summary>As it is printed.</summary>
        public string Text => Port.Length == 0 ? Address : $"{Address}:{Port}";
    }

    /// <summary>Reads Envoy's <c>/clusters?format=json</c>.</summary>
    /// <exception cref="CommandFailedException">It is another text.</exception>
    public static IEnumerable<Entry> Parse(string text, string where)
    {
        try
        {
            if (JsonNode.Parse(text)?["cluster_statuses"] is JsonArray clusters) return Read(clusters);
        }
        catch (JsonException e)
        {
            throw new CommandFailedException($"{where}: {e.Message}", e);
        }
        throw new CommandFailedException($"{where} is no page of clusters: it has no list named cluster_statuses");
    }

    private static IEnumerable<Entry> Read(JsonArray clusters)
    {
        foreach (var cluster in clusters.OfType<JsonObject>())
            foreach (var host in (cluster["host_statuses"] as JsonArray ?? []).OfType<JsonObject>())
            {
                var socket = host["address"]?["socket_address"];
                var address = (string?)socket?["address"] ?? (string?)host["address"]?["pipe"]?["path"] ?? "-";
                var health = host["health_status"];
                yield return new Entry(socket is null ? "unix://" + address : address, socket is null ? "" : $"{socket["port_value"]}", (string?)cluster["name"] ?? "",
                    (string?)health?["eds_health_status"] ?? "UNKNOWN", (bool?)health?["failed_outlier_check"] ?? false, host);
            }
    }

    /// <summary>The lines, by address and cluster.</summary>
    public static string Write(IEnumerable<Entry> entries)
    {
        var table = new TextTable("ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER");
        foreach (var entry in entries.OrderBy(entry => entry.Text, StringComparer.Ordinal).ThenBy(entry => entry.Cluster, StringComparer.Ordinal))
            table.Add(entry.Text, entry.Status, entry.IsEjected ? "FAILED" : "OK", entry.Cluster);
        return table.ToString();
    }
}
