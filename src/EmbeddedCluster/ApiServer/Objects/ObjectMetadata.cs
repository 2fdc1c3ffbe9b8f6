using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Objects;

/// <summary>What the server does with metadata, the same for every kind.</summary>
internal static class ObjectMetadata
{
    private const int AnnotationsLimit = 256 * 1024;

    public static JsonObject Of(JsonObject value) => value.Ensure("metadata");

    /// <summary>A time as Kubernetes writes it: whole seconds, UTC.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A time with microseconds, for leases and events.</summary>
    public static string MicroTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    public static string[] Finalizers(JsonObject value) => [.. value.Texts("metadata", "finalizers")];

    public static bool IsDeleting(JsonObject value) => value.Text("metadata", "deletionTimestamp") is not null;

    /// <summary>Fills in what the server decides of a new object.</summary>
    public static void PrepareCreate(JsonObject value, ResourceKind kind, DateTimeOffset now)
    {
        var metadata = Of(value);
        foreach (var name in (string[])["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "generation"]) metadata.Remove(name);
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Time(now);
        if (kind.TracksGeneration) metadata["generation"] = 1L;
    }

    /// <summary>Restores what an update may not change.</summary>
    public static void PrepareUpdate(JsonObject value, JsonObject old)
    {
        var metadata = Of(value);
        metadata.Remove("selfLink");
        foreach (var name in (string[])["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"])
            metadata.SetOrRemove(name, old.At("metadata", name)?.DeepClone());
    }

    /// <summary>Counts a change of the object's intent.</summary>
    public static void BumpGeneration(JsonObject value, JsonObject old, ResourceKind kind)
    {
        if (!kind.TracksGeneration) return;
        var before = old.Whole("metadata", "generation") ?? 1;
        Of(value)["generation"] = SameIntent(value, old) ? before : before + 1;
    }

    /// <summary>Whether two objects are the same but for their revision and bookkeeping.</summary>
    public static bool SameObject(JsonObject left, JsonObject right)
    {
        foreach (var name in Keys(left, right))
        {
            if (name == "metadata")
            {
                var (one, two) = (Of(left), Of(right));
                foreach (var part in Keys(one, two))
                    if (part is not ("managedFields" or "resourceVersion") && !JsonNode.DeepEquals(one[part], two[part])) return false;
            }
            else if (!JsonNode.DeepEquals(left[name], right[name]))
            {
                return false;
            }
        }
        return true;
    }

    public static void Validate(JsonObject value, ResourceKind kind, FieldProblems problems)
    {
        var metadata = Of(value);
        if (metadata.Text("name") is not { Length: > 0 } name) problems.Required("metadata.name", "name or generateName is required");
        else if (ObjectNames.Problem(name, kind.Rules.Names) is { } wrong) problems.Invalid("metadata.name", name, wrong);
        ObjectNames.CheckLabels(metadata.Child("labels"), "metadata.labels", problems);
        var size = 0;
        foreach (var (key, text) in metadata.Child("annotations") ?? [])
        {
            if (ObjectNames.QualifiedName(key.ToLowerInvariant()) is { } bad) problems.Invalid("metadata.annotations", key, bad);
            size += key.Length + (text.Text()?.Length ?? 0);
        }
        if (size > AnnotationsLimit) problems.TooLong("metadata.annotations", AnnotationsLimit);
        ValidateOwners(metadata, problems);
        var at = 0;
        foreach (var finalizer in metadata.Texts("finalizers"))
        {
            if (ObjectNames.QualifiedName(finalizer) is { } bad) problems.Invalid($"metadata.finalizers[{at}]", finalizer, bad);
            at++;
        }
    }

    public static void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        if (!IsDeleting(old)) return;
        var added = Finalizers(value).Except(Finalizers(old)).ToArray();
        if (added.Length > 0)
            problems.Forbidden("metadata.finalizers",
                $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(name => $"\"{name}\""))}}}");
    }

    private static void ValidateOwners(JsonObject metadata, FieldProblems problems)
    {
        var at = 0;
        var controllers = 0;
        foreach (var owner in metadata.Items("ownerReferences"))
        {
            foreach (var name in (string[])["apiVersion", "kind", "name", "uid"])
                if (string.IsNullOrEmpty(owner.Text(name))) problems.Invalid($"metadata.ownerReferences[{at}].{name}", "", $"{name} must not be empty");
            if (owner.Flag("controller")) controllers++;
            at++;
        }
        if (controllers > 1) problems.Invalid("metadata.ownerReferences", metadata["ownerReferences"]!.DeepClone(), "Only one reference can have Controller set to true.");
    }

    private static bool SameIntent(JsonObject left, JsonObject right) =>
        Keys(left, right).All(name => name is "metadata" or "status" or "apiVersion" or "kind" || JsonNode.DeepEquals(left[name], right[name]));

    private static IEnumerable<string> Keys(JsonObject left, JsonObject right) =>
        left.Select(pair => pair.Key).Union(right.Select(pair => pair.Key)).ToArray();
}
