using System.Globalization;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Models;

/// <summary>Reads what all objects have. The typed models derive from it; none of them changes the tree. Any thread.</summary>
public class KubeObject(JsonObject json)
{
    private IReadOnlyDictionary<string, string>? _labels;
    private IReadOnlyDictionary<string, string>? _annotations;

    /// <summary>The object itself.</summary>
    public JsonObject Json { get; } = json;

    /// <summary>metadata.</summary>
    public JsonObject Metadata => Json["metadata"] as JsonObject ?? [];

    /// <summary>spec, or an empty object.</summary>
    public JsonObject Spec => Json["spec"] as JsonObject ?? [];

    /// <summary>status, or an empty object.</summary>
    public JsonObject Status => Json["status"] as JsonObject ?? [];

    /// <summary>metadata.name.</summary>
    public string Name => Text(Metadata, "name");

    /// <summary>metadata.namespace; empty for cluster-wide kinds.</summary>
    public string Namespace => Text(Metadata, "namespace");

    /// <summary>metadata.uid.</summary>
    public string Uid => Text(Metadata, "uid");

    /// <summary>metadata.resourceVersion.</summary>
    public string ResourceVersion => Text(Metadata, "resourceVersion");

    /// <summary>metadata.labels.</summary>
    public IReadOnlyDictionary<string, string> Labels => _labels ??= Map(Metadata["labels"]);

    /// <summary>metadata.annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations => _annotations ??= Map(Metadata["annotations"]);

    /// <summary>metadata.creationTimestamp; the earliest time there is when absent.</summary>
    public DateTimeOffset CreationTimestamp =>
        DateTimeOffset.TryParse(Text(Metadata, "creationTimestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : DateTimeOffset.MinValue;

    /// <summary>metadata.deletionTimestamp is set.</summary>
    public bool IsDeleting => Metadata["deletionTimestamp"] is not null;

    /// <summary>The owner that controls the object: kind, name, uid; null without one.</summary>
    public (string Kind, string Name, string Uid)? Controller
    {
        get
        {
            foreach (var owner in Items(Metadata["ownerReferences"]))
                if ((bool?)owner["controller"] == true)
                    return (Text(owner, "kind"), Text(owner, "name"), Text(owner, "uid"));
            return null;
        }
    }

    /// <summary>Namespace and name of a tree.</summary>
    public static (string Namespace, string Name) KeyOf(JsonObject json) =>
        json["metadata"] is JsonObject metadata ? (Text(metadata, "namespace"), Text(metadata, "name")) : ("", "");

    /// <summary>metadata.resourceVersion of a tree.</summary>
    public static string ResourceVersionOf(JsonObject json) => json["metadata"] is JsonObject metadata ? Text(metadata, "resourceVersion") : "";

    /// <summary>A field as text; empty when absent.</summary>
    protected internal static string Text(JsonObject parent, string field) => parent[field] switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => other.ToJsonString(),
    };

    /// <summary>A field as a whole number; null when absent or not one.</summary>
    protected internal static int? Number(JsonObject parent, string field) => parent[field] is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    /// <summary>The objects of a list; empty when absent.</summary>
    protected internal static IEnumerable<JsonObject> Items(JsonNode? list) => list is JsonArray array ? array.OfType<JsonObject>() : [];

    /// <summary>The texts of a list; empty when absent.</summary>
    protected internal static IReadOnlyList<string> Texts(JsonNode? list) =>
        list is JsonArray array ? [.. array.OfType<JsonValue>().Select(value => value.TryGetValue<string>(out var text) ? text : value.ToJsonString())] : [];

    /// <summary>A map of texts; empty when absent.</summary>
    protected internal static IReadOnlyDictionary<string, string> Map(JsonNode? map) =>
        map is JsonObject fields ? fields.ToDictionary(field => field.Key, field => Text(fields, field.Key), StringComparer.Ordinal) : Empty;

    private static readonly IReadOnlyDictionary<string, string> Empty = new Dictionary<string, string>();
}
