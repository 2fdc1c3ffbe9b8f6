using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Pilot.Tests.Harness;

namespace Lateen.Pilot.Tests.Situations;

/// <summary>
/// Compares what a proxy of ours would be sent with what istiod sent, field by field, after taking away what this mesh
/// leaves out on purpose: everything of TLS, and tracing that has no provider.
/// </summary>
internal static class Comparison
{
    /// <summary>Every difference as <c>kind name: path: recorded → ours</c>.</summary>
    public static List<string> Differences(JsonObject recorded, Resources ours)
    {
        List<string> differences = [];
        Compare("listener", ByName(recorded["listeners"]), ours.Listeners.ToDictionary(l => l.Key, l => EnvoyJson.Of(l.Value)), differences);
        Compare("route", ByName(recorded["routes"]), ours.Routes.ToDictionary(r => r.Key, r => EnvoyJson.Of(r.Value)), differences);
        Compare("cluster", ByName(recorded["clusters"]), ours.Clusters.ToDictionary(c => c.Key, c => EnvoyJson.Of(c.Value)), differences);
        var assignments = ByName(recorded["endpoints"]).Where(e => ours.Endpoints.ContainsKey(e.Key)).ToDictionary();
        Compare("endpoints", assignments, ours.Endpoints.ToDictionary(e => e.Key, e => EnvoyJson.Of(e.Value)), differences);
        return differences;
    }

    private static Dictionary<string, JsonNode> ByName(JsonNode? list) =>
        list!.AsArray().Where(i => i!["name"] != null || i["cluster_name"] != null).ToDictionary(i => (string)(i!["name"] ?? i["cluster_name"])!, i => i!);

    private static void Compare(string kind, Dictionary<string, JsonNode> recorded, Dictionary<string, JsonNode> ours, List<string> differences)
    {
        foreach (var name in recorded.Keys.Union(ours.Keys).Order(StringComparer.Ordinal))
        {
            if (!ours.TryGetValue(name, out var our)) differences.Add($"{kind} {name}: missing");
            else if (!recorded.TryGetValue(name, out var their)) differences.Add($"{kind} {name}: not in the recording");
            else Compare($"{kind} {name}", Normal.Of(their), Normal.Of(our), differences);
        }
    }

    private static void Compare(string path, JsonNode? recorded, JsonNode? ours, List<string> differences)
    {
        switch (recorded, ours)
        {
            case (JsonObject left, JsonObject right):
                foreach (var key in left.Select(l => l.Key).Union(right.Select(r => r.Key)).Order(StringComparer.Ordinal))
                    Compare($"{path}.{key}", left[key], right[key], differences);
                break;
            case (JsonArray left, JsonArray right) when left.Count == right.Count:
                for (var i = 0; i < left.Count; i++) Compare($"{path}[{i}]", left[i], right[i], differences);
                break;
            default:
                if (!JsonNode.DeepEquals(recorded, ours)) differences.Add($"{path}: {Short(recorded)} → {Short(ours)}");
                break;
        }
    }

    private static string Short(JsonNode? node)
    {
        var text = node?.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) ?? "nothing";
        return text.Length > 200 ? text[..200] + "…" : text;
    }
}

/// <summary>A resource without what is left out on purpose and without what Envoy adds or orders in its own way.</summary>
internal static class Normal
{
    /// <summary>TLS comes with certificates: a later issue. The rest says nothing.</summary>
    private static readonly HashSet<string> Dropped =
        ["transport_socket", "transport_socket_matches", "health_check_config", "policy", "envoy.transport_socket_match", "include_request_attempt_count"];

    public static JsonNode? Of(JsonNode node)
    {
        var result = Walk(node);
        result?.AsObject().Remove("@type");
        return result;
    }

    private static JsonNode? Walk(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                var result = new JsonObject();
                foreach (var (key, value) in fields.OrderBy(f => f.Key, StringComparer.Ordinal))
                    if (!Dropped.Contains(key) && Keep(key, value) && Walk(value) is { } walked) result[key] = walked;
                return result;
            case JsonArray items:
                var kept = items.Where(i => !IsTlsChain(i)).Select(Walk).ToList();
                // Which chain takes a connection is decided by the matches, not by their order.
                if (kept.TrueForAll(i => i is JsonObject chain && chain["filters"] != null)) kept.Sort(static (a, b) => string.CompareOrdinal(Match(a), Match(b)));
                return new JsonArray([.. kept]);
            default:
                return node?.DeepClone();
        }
    }

    private static bool Keep(string key, JsonNode? value) => key switch
    {
        // Defaults, which one side writes and the other does not.
        "tracing" => value is JsonObject tracing && tracing["provider"] != null,
        "validate_clusters" or "priority" or "weight" or "load_balancing_weight" => true,
        _ => value is not JsonValue scalar || scalar.ToJsonString() is not ("0" or "\"\"") || key is "port_value" or "status",
    };

    private static string Match(JsonNode? chain) => chain!["filter_chain_match"]?.ToJsonString() ?? "";

    private static bool IsTlsChain(JsonNode? item) =>
        item is JsonObject chain && (string?)chain["filter_chain_match"]?["transport_protocol"] == "tls"
        || item is JsonObject filter && (string?)filter["name"] == "envoy.filters.listener.tls_inspector" && filter["filter_disabled"] != null;
}
