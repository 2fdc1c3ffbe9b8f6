using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>What controllers ask of a pod, and how conditions are kept.</summary>
internal static class PodState
{
    public static bool IsDeleting(JsonElement root) => root.Has("metadata", "deletionTimestamp");

    /// <summary>Ended for good.</summary>
    public static bool IsTerminal(JsonElement pod) => pod.Text("status", "phase") is "Succeeded" or "Failed";

    /// <summary>Counts as a replica.</summary>
    public static bool IsActive(JsonElement pod) => !IsTerminal(pod) && !IsDeleting(pod);

    public static bool IsReady(JsonElement pod) => ConditionOf(pod, "Ready").Text("status") == "True";

    /// <summary>Ready for at least some seconds.</summary>
    public static bool IsAvailable(JsonElement pod, long minReadySeconds, DateTimeOffset now) =>
        IsReady(pod) && (minReadySeconds == 0 || ReadySince(pod) is not { } since || since.AddSeconds(minReadySeconds) <= now);

    public static DateTimeOffset? ReadySince(JsonElement pod) =>
        DateTimeOffset.TryParse(ConditionOf(pod, "Ready").Text("lastTransitionTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static JsonElement ConditionOf(JsonElement root, string type) =>
        root.Items("status", "conditions").FirstOrDefault(condition => condition.Text("type") == type);

    /// <summary>Sets a condition of a status; its transition time changes with its status only.</summary>
    /// <returns>Whether anything but times changed.</returns>
    public static bool SetCondition(JsonObject status, string type, string value, string? reason, string? message, DateTimeOffset now, bool withUpdateTime = false)
    {
        var conditions = status.EnsureList("conditions");
        var current = conditions.OfType<JsonObject>().FirstOrDefault(condition => condition.Text("type") == type);
        if (current is not null && current.Text("status") == value && current.Text("reason") == reason && current.Text("message") == message) return false;
        if (current is null) conditions.Add((JsonNode)(current = new JsonObject { ["type"] = type }));
        if (current.Text("status") != value) current["lastTransitionTime"] = ObjectMetadata.Time(now);
        current["status"] = value;
        current.SetOrRemove("reason", reason);
        current.SetOrRemove("message", message);
        if (withUpdateTime) current["lastUpdateTime"] = ObjectMetadata.Time(now);
        return true;
    }

    /// <summary>The pod that a template makes.</summary>
    public static JsonObject FromTemplate(StoredObject owner, JsonElement template)
    {
        var pod = (JsonObject)JsonText.Copy(template)!;
        var metadata = pod.Ensure("metadata");
        var kept = new JsonObject { ["namespace"] = owner.Key.Namespace };
        foreach (var name in (string[])["labels", "annotations", "finalizers"])
            if (metadata[name] is { } part) kept[name] = part.DeepClone();
        kept["ownerReferences"] = new JsonArray(Ownership.Reference(owner));
        pod["metadata"] = kept;
        pod["apiVersion"] = "v1";
        pod["kind"] = "Pod";
        return pod;
    }
}
