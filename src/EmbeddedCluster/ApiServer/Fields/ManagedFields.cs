using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Fields;

/// <summary>One entry of metadata.managedFields.</summary>
internal sealed record ManagedFieldsEntry(string Name, string Operation, string ApiVersion, string Subresource)
{
    public FieldSet Fields { get; init; } = new();

    public string Time { get; init; } = "";

    public bool IsSame(ManagedFieldsEntry other) => Name == other.Name && Operation == other.Operation && ApiVersion == other.ApiVersion && Subresource == other.Subresource;
}

/// <summary>Keeps metadata.managedFields: who last set which field. Pure.</summary>
internal static class ManagedFields
{
    public const string Apply = "Apply";
    public const string Update = "Update";

    private static readonly string[] ServerFields = ["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"];

    /// <summary>The entries of an object; those that cannot be read are left out.</summary>
    public static List<ManagedFieldsEntry> Read(JsonObject? value) => [.. value.Items("metadata", "managedFields")
        .Where(entry => entry.Text("operation") is Apply or Update && entry.Child("fieldsV1") is not null)
        .Select(entry => new ManagedFieldsEntry(entry.Text("manager") ?? "", entry.Text("operation")!, entry.Text("apiVersion") ?? "", entry.Text("subresource") ?? "")
        {
            Fields = FieldSet.FromJson(entry.Child("fieldsV1")), Time = entry.Text("time") ?? "",
        })];

    public static void Write(JsonObject value, IEnumerable<ManagedFieldsEntry> managers)
    {
        var entries = new JsonArray();
        foreach (var manager in managers.Where(manager => !manager.Fields.IsEmpty).OrderBy(manager => manager.Operation, StringComparer.Ordinal)
                     .ThenBy(manager => manager.Time, StringComparer.Ordinal).ThenBy(manager => manager.Name, StringComparer.Ordinal))
        {
            var entry = new JsonObject
            {
                ["manager"] = manager.Name, ["operation"] = manager.Operation, ["apiVersion"] = manager.ApiVersion, ["time"] = manager.Time,
                ["fieldsType"] = "FieldsV1", ["fieldsV1"] = manager.Fields.ToJson(),
            };
            if (manager.Subresource.Length > 0) entry["subresource"] = manager.Subresource;
            entries.Add((JsonNode)entry);
        }
        ObjectMetadata.Of(value).SetOrRemove("managedFields", entries.Count == 0 ? null : entries);
    }

    /// <summary>Records a create or update: the manager owns what it changed, the others lose that.</summary>
    /// <param name="value">The new object.</param>
    /// <param name="old">The object before, null for a new one.</param>
    /// <param name="type">Type of the stored object.</param>
    /// <param name="who">The manager, its set empty.</param>
    public static void RecordUpdate(JsonObject value, JsonObject? old, TypeSchema type, ManagedFieldsEntry who)
    {
        // A client may rewrite the entries themselves; leaving them out changes nothing.
        var managers = Read(value["metadata"]?["managedFields"] is JsonArray ? value : old);
        var (changed, removed) = FieldPaths.Compare(old is null ? new JsonObject() : Owned(old), Owned(value), type);
        if (who.Subresource.Length == 0) changed.Remove("f:status");
        var result = new List<ManagedFieldsEntry>();
        var found = false;
        foreach (var manager in managers)
        {
            if (manager.IsSame(who))
            {
                found = true;
                var next = manager.Fields.Except(removed).Union(changed);
                result.Add(manager with { Fields = next, Time = changed.IsEmpty ? manager.Time : who.Time });
            }
            else
            {
                result.Add(manager with { Fields = manager.Fields.Except(removed).Except(changed) });
            }
        }
        if (!found && !changed.IsEmpty) result.Add(who with { Fields = changed });
        Write(value, result);
    }

    /// <summary>The object without what the server alone decides, as far as ownership goes.</summary>
    public static JsonObject Owned(JsonObject value)
    {
        var copy = new JsonObject();
        foreach (var (name, part) in value)
        {
            if (name is "apiVersion" or "kind") continue;
            copy[name] = part?.DeepClone();
        }
        if (copy["metadata"] is JsonObject metadata)
        {
            foreach (var name in ServerFields) metadata.Remove(name);
            if (metadata.Count == 0) copy.Remove("metadata");
        }
        return copy;
    }
}
