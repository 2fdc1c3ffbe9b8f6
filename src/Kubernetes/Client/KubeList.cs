using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lateen.Kubernetes.Client;

/// <summary>All objects of a kind at one moment.</summary>
/// <param name="Items">The objects, each with apiVersion and kind.</param>
/// <param name="ResourceVersion">What to watch from.</param>
public sealed record KubeList(IReadOnlyList<JsonObject> Items, string ResourceVersion);

/// <summary>What happened to an object.</summary>
public enum WatchEventType
{
    /// <summary>It is new to this watch.</summary>
    Added,

    /// <summary>It changed.</summary>
    Modified,

    /// <summary>It is gone; the event has its last state.</summary>
    Deleted,

    /// <summary>Nothing happened to any object; the event has a newer resource version.</summary>
    Bookmark,
}

/// <summary>One event of a watch.</summary>
public sealed record WatchEvent(WatchEventType Type, JsonObject Object);

/// <summary>The forms of a patch.</summary>
public enum KubePatch
{
    /// <summary>RFC 6902.</summary>
    Json,

    /// <summary>RFC 7386.</summary>
    Merge,

    /// <summary>Kubernetes' own merge, which knows the keys of lists; built-in kinds only.</summary>
    StrategicMerge,

    /// <summary>Server-side apply; needs a field manager.</summary>
    Apply,
}

[JsonSerializable(typeof(JsonNode))]
internal sealed partial class KubeJson : JsonSerializerContext;
