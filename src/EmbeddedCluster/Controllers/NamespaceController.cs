using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Gives each namespace its default service account and the cluster's authority, and empties those that go away.</summary>
internal sealed class NamespaceController(ClusterClient client, EventRecorder events, string authorityPem) : Controller(client, events)
{
    private const string AuthorityMap = "kube-root-ca.crt";

    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(250);

    public override IReadOnlyList<string> Watched { get; } = ["namespaces", "serviceaccounts", "configmaps"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        var key = change.Object.Key;
        if (key.Resource == "namespaces") return change.Type == ChangeType.Deleted ? [] : [key];
        return (key.Resource == "serviceaccounts" && key.Name == "default" && change.Type == ChangeType.Deleted) || (key.Resource == "configmaps" && key.Name == AuthorityMap)
            ? [new ObjectKey("namespaces", "", key.Namespace)] : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Get("namespaces", "", key.Name) is not { } space) return null;
        if (!PodState.IsDeleting(space.Root))
        {
            await FurnishAsync(key.Name, cancel).ConfigureAwait(false);
            return null;
        }
        if (await EmptyAsync(key.Name, cancel).ConfigureAwait(false) > 0) return Again;
        await Client.UpdateAsync(key, "finalize", value => value.Ensure("spec").Remove("finalizers"), cancel).ConfigureAwait(false);
        return null;
    }

    private async Task FurnishAsync(string name, CancellationToken cancel)
    {
        if (Client.Get("serviceaccounts", name, "default") is null)
            await CreateAsync("serviceaccounts", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default", ["namespace"] = name } }, cancel).ConfigureAwait(false);
        var map = Client.Get("configmaps", name, AuthorityMap);
        if (map is null)
            await CreateAsync("configmaps", new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["name"] = AuthorityMap, ["namespace"] = name,
                    ["annotations"] = new JsonObject { ["kubernetes.io/description"] = "The certificate authority of the API server, for pods to verify it with." },
                },
                ["data"] = new JsonObject { ["ca.crt"] = authorityPem },
            }, cancel).ConfigureAwait(false);
        else if (map.Root.Text("data", "ca.crt") != authorityPem)
            await Client.UpdateAsync(map.Key, "", value => value["data"] = new JsonObject { ["ca.crt"] = authorityPem }, cancel).ConfigureAwait(false);
    }

    private async Task CreateAsync(string resource, JsonObject value, CancellationToken cancel)
    {
        try
        {
            await Client.CreateAsync(resource, value, cancel).ConfigureAwait(false);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            // Somebody else was faster.
        }
    }

    /// <summary>Deletes everything in the namespace; returns how many objects are still there.</summary>
    private async Task<int> EmptyAsync(string name, CancellationToken cancel)
    {
        var left = 0;
        foreach (var kind in Client.Catalog.All.Where(resource => resource.Kind.Namespaced).Select(resource => resource.Kind.StorageName).Distinct().ToArray())
        {
            foreach (var stored in Client.List(kind, name))
            {
                if (!PodState.IsDeleting(stored.Root)) await Client.DeleteAsync(stored, cancel).ConfigureAwait(false);
                if (Client.Store.Get(stored.Key) is not null) left++;
            }
        }
        return left;
    }
}
