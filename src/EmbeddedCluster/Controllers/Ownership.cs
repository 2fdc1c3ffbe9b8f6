using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Who owns what, by metadata.ownerReferences.</summary>
internal static class Ownership
{
    /// <summary>The reference by which an object is controlled, Undefined for none.</summary>
    public static JsonElement Controller(JsonElement root) => root.Items("metadata", "ownerReferences").FirstOrDefault(owner => owner.Flag("controller"));

    public static bool IsControlledBy(JsonElement root, JsonElement owner) => Controller(root).Text("uid") is { } uid && uid == owner.Text("metadata", "uid");

    /// <summary>A controlling reference to an owner.</summary>
    public static JsonObject Reference(StoredObject owner) => new()
    {
        ["apiVersion"] = owner.Root.Text("apiVersion"), ["kind"] = owner.Root.Text("kind"), ["name"] = owner.Key.Name, ["uid"] = owner.Root.Text("metadata", "uid"),
        ["controller"] = true, ["blockOwnerDeletion"] = true,
    };

    /// <summary>Key of the object that controls another, when it is of the given kind.</summary>
    public static IEnumerable<ObjectKey> ControllerKey(StoredObject stored, string kind, string resource)
    {
        var owner = Controller(stored.Root);
        return owner.Text("kind") == kind && owner.Text("name") is { } name ? [new ObjectKey(resource, stored.Key.Namespace, name)] : [];
    }

    /// <summary>The objects of a kind that an owner controls; it adopts those that nobody controls and its selector matches.</summary>
    public static async Task<List<StoredObject>> ClaimAsync(ClusterClient client, StoredObject owner, string resource, LabelSelector selector, CancellationToken cancel)
    {
        var owned = new List<StoredObject>();
        var deleting = owner.Root.Has("metadata", "deletionTimestamp");
        foreach (var candidate in client.List(resource, owner.Key.Namespace))
        {
            var controller = Controller(candidate.Root);
            if (controller.ValueKind != JsonValueKind.Undefined)
            {
                if (controller.Text("uid") == owner.Root.Text("metadata", "uid")) owned.Add(candidate);
            }
            else if (!deleting && !candidate.Root.Has("metadata", "deletionTimestamp") && selector.Matches(candidate.Root))
            {
                var adopted = await client.UpdateAsync(candidate.Key, "", value =>
                {
                    var owners = value.Ensure("metadata").EnsureList("ownerReferences");
                    if (!owners.OfType<JsonObject>().Any(reference => reference.Flag("controller"))) owners.Add((JsonNode)Reference(owner));
                }, cancel).ConfigureAwait(false);
                if (adopted is not null && IsControlledBy(adopted.Root, owner.Root)) owned.Add(adopted);
            }
        }
        return owned;
    }
}
