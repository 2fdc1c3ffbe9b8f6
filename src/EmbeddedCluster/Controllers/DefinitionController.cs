using Lateen.EmbeddedCluster.ApiServer.CustomKinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Deletes the objects of a custom kind whose definition goes away, then lets the definition go.</summary>
internal sealed class DefinitionController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(200);

    public override IReadOnlyList<string> Watched { get; } = [CustomKindCatalog.Resource];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) =>
        change.Type != ChangeType.Deleted && PodState.IsDeleting(change.Object.Root) ? [change.Object.Key] : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } definition || !PodState.IsDeleting(definition.Root)) return null;
        if (!definition.Root.Items("metadata", "finalizers").Any(item => item.GetString() == DefinitionRules.CleanupFinalizer)) return null;
        // A definition's name is the storage name of its kind.
        foreach (var stored in Client.List(key.Name))
            if (!PodState.IsDeleting(stored.Root)) await Client.DeleteAsync(stored, cancel).ConfigureAwait(false);
        if (Client.List(key.Name).Count > 0) return Again;
        await Client.UpdateAsync(key, "", value =>
        {
            var kept = ObjectMetadata.Finalizers(value).Where(name => name != DefinitionRules.CleanupFinalizer).ToJsonArray();
            ObjectMetadata.Of(value).SetOrRemove("finalizers", kept.Count == 0 ? null : kept);
        }, cancel).ConfigureAwait(false);
        return null;
    }
}
