using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>How the controllers of this process read and write objects: by the same operations as any client. Any thread.</summary>
internal sealed class ClusterClient(ObjectOperations operations, ResourceRegistry registry)
{
    public ObjectStore Store => operations.Context.Store;

    public TimeProvider Clock => operations.Context.Clock;

    public DateTimeOffset Now => Clock.GetUtcNow();

    public ResourceCatalog Catalog => registry.Current;

    /// <summary>Cluster address of the service "kubernetes".</summary>
    public string ServiceAddress => operations.Context.Addresses.First;

    public StoredObject? Get(string resource, string namespaceName, string name) => Store.Get(new ObjectKey(resource, namespaceName, name));

    public IReadOnlyList<StoredObject> List(string resource, string namespaceName = "") => Store.List(resource, namespaceName).Items;

    /// <summary>Adds an object of the stored version.</summary>
    /// <exception cref="ApiException">It is refused, or exists.</exception>
    public Task<StoredObject> CreateAsync(string resource, JsonObject value, CancellationToken cancel) =>
        operations.CreateAsync(Scope(cancel), Served(resource), value.Text("metadata", "namespace") ?? "", new ReceivedObject(value));

    /// <summary>Changes an object by a function that may be called more than once; returns null when the object is gone.</summary>
    public async Task<StoredObject?> UpdateAsync(ObjectKey key, string subresource, Action<JsonObject> change, CancellationToken cancel)
    {
        try
        {
            var outcome = await operations.UpdateAsync(Scope(cancel), Served(key.Resource), key.Namespace, key.Name, subresource, current =>
            {
                // Without a revision the change applies to whatever state is met.
                change(current!);
                ObjectMetadata.Of(current!).Remove("resourceVersion");
                return new ReceivedObject(current!);
            }).ConfigureAwait(false);
            return outcome.Object;
        }
        catch (ApiException gone) when (gone.Code == 404)
        {
            return null;
        }
    }

    /// <summary>Deletes an object; nothing happens when it is gone already, or another of the same name.</summary>
    public async Task DeleteAsync(StoredObject stored, CancellationToken cancel, string propagation = "Background", long? graceSeconds = null)
    {
        var options = new JsonObject
        {
            ["propagationPolicy"] = propagation, ["preconditions"] = new JsonObject { ["uid"] = stored.Root.Text("metadata", "uid") },
        };
        if (graceSeconds is { } grace) options["gracePeriodSeconds"] = grace;
        try
        {
            await operations.DeleteAsync(Scope(cancel), Served(stored.Key.Resource), stored.Key.Namespace, stored.Key.Name, options).ConfigureAwait(false);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // Gone, or replaced: not what was to be deleted.
        }
    }

    private ServedResource Served(string resource) => registry.Current.FindStorage(resource)
        ?? throw new ApiException(404, "NotFound", $"the kind {resource} is not served");

    private static RequestScope Scope(CancellationToken cancel) =>
        new(UserIdentity.Controllers, cancel) { FieldManager = "kube-controller-manager", FieldValidation = FieldValidation.Ignore };
}
