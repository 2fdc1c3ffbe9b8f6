using System.Globalization;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node;

/// <summary>Reads fields of Kubernetes objects, absent ones as empty. Any thread.</summary>
internal static class JsonFields
{
    /// <summary>A field that is an object, or an empty one.</summary>
    public static JsonObject ObjectOf(this JsonObject parent, string field) => parent[field] as JsonObject ?? [];

    /// <summary>The objects of a list.</summary>
    public static IEnumerable<JsonObject> ItemsOf(this JsonObject parent, string field) => parent[field] is JsonArray list ? list.OfType<JsonObject>() : [];

    /// <summary>A field as text; empty when absent.</summary>
    public static string TextOf(this JsonObject parent, string field) => parent[field] switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => other.ToJsonString(),
    };

    /// <summary>The texts of a list.</summary>
    public static IReadOnlyList<string> TextsOf(this JsonObject parent, string field) =>
        parent[field] is JsonArray list ? [.. list.Select(item => item is JsonValue value && value.TryGetValue<string>(out var text) ? text : item?.ToJsonString() ?? "")] : [];

    /// <summary>A field as a whole number; null when absent.</summary>
    public static int? NumberOf(this JsonObject parent, string field) => parent[field] is JsonValue value && value.TryGetValue<double>(out var number) ? (int)number : null;

    /// <summary>A field as a boolean; false when absent.</summary>
    public static bool FlagOf(this JsonObject parent, string field) => parent[field] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    /// <summary>A field that is a time; null when absent.</summary>
    public static DateTimeOffset? TimeOf(this JsonObject parent, string field) =>
        DateTimeOffset.TryParse(parent.TextOf(field), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>A map of texts.</summary>
    public static IReadOnlyDictionary<string, string> MapOf(this JsonObject parent, string field) =>
        parent[field] is JsonObject map ? map.ToDictionary(entry => entry.Key, entry => map.TextOf(entry.Key)) : new Dictionary<string, string>();

    /// <summary>A time as Kubernetes writes it, to the second.</summary>
    public static string ToKubernetes(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
