using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>
/// Deletes what belongs to owners that are gone. Every change of every kind passes <see cref="Observe"/>, which keeps who depends on
/// whom; the work is done by key as for any controller. Observed by one thread, worked on by another.
/// </summary>
internal sealed class GarbageCollector(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<ObjectKey, bool>> _dependents = new();

    /// <summary>Takes the keys to work on.</summary>
    public Action<ObjectKey> Enqueue { get; set; } = _ => { };

    public override IReadOnlyList<string> Watched => [];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) => [];

    /// <summary>Learns from a change.</summary>
    public void Observe(StoredChange change)
    {
        var key = change.Object.Key;
        var before = change.Previous is { } previous ? Owners(previous.Root) : [];
        var now = change.Type == ChangeType.Deleted ? [] : Owners(change.Object.Root);
        foreach (var uid in before.Except(now))
            if (_dependents.TryGetValue(uid, out var known)) known.TryRemove(key, out _);
        foreach (var uid in now) _dependents.GetOrAdd(uid, _ => new())[key] = true;
        var owner = change.Object.Root.Text("metadata", "uid") ?? "";
        if (change.Type == ChangeType.Deleted)
        {
            if (_dependents.TryRemove(owner, out var orphans)) foreach (var orphan in orphans.Keys) Enqueue(orphan);
            // A foreground deletion of an owner may have waited for this one.
            foreach (var reference in change.Object.Root.Items("metadata", "ownerReferences"))
                if (OwnerKey(reference, key.Namespace) is { } waiting) Enqueue(waiting);
            return;
        }
        if (now.Length > 0 || PodState.IsDeleting(change.Object.Root)) Enqueue(key);
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } stored) return null;
        if (PodState.IsDeleting(stored.Root))
        {
            await ReleaseAsync(stored, cancel).ConfigureAwait(false);
            return null;
        }
        var references = stored.Root.Items("metadata", "ownerReferences").ToArray();
        if (references.Length == 0) return null;
        var absent = references.Where(reference => FindOwner(reference, key.Namespace) == OwnerState.Absent).Select(reference => reference.Text("uid")).ToArray();
        if (absent.Length == references.Length) await Client.DeleteAsync(stored, cancel).ConfigureAwait(false);
        else if (absent.Length > 0) await DropReferencesAsync(key, reference => absent.Contains(reference.Text("uid")), cancel).ConfigureAwait(false);
        return null;
    }

    /// <summary>Does what a deleted object's finalizers wait for.</summary>
    private async Task ReleaseAsync(StoredObject owner, CancellationToken cancel)
    {
        var finalizers = owner.Root.Items("metadata", "finalizers").Select(item => item.GetString()).ToArray();
        var uid = owner.Root.Text("metadata", "uid") ?? "";
        ObjectKey[] dependents = _dependents.TryGetValue(uid, out var known) ? [.. known.Keys] : [];
        if (finalizers.Contains(Deletion.OrphanFinalizer))
        {
            foreach (var dependent in dependents) await DropReferencesAsync(dependent, reference => reference.Text("uid") == uid, cancel).ConfigureAwait(false);
            await RemoveFinalizerAsync(owner.Key, Deletion.OrphanFinalizer, cancel).ConfigureAwait(false);
        }
        else if (finalizers.Contains(Deletion.ForegroundFinalizer))
        {
            var blocked = false;
            foreach (var dependent in dependents)
            {
                if (Client.Store.Get(dependent) is not { } stored) continue;
                var reference = stored.Root.Items("metadata", "ownerReferences").FirstOrDefault(entry => entry.Text("uid") == uid);
                if (reference.ValueKind == JsonValueKind.Undefined) continue;
                blocked |= reference.Flag("blockOwnerDeletion");
                if (!PodState.IsDeleting(stored.Root)) await Client.DeleteAsync(stored, cancel, "Foreground").ConfigureAwait(false);
            }
            if (blocked && dependents.Any(dependent => Client.Store.Get(dependent) is not null)) return;
            await RemoveFinalizerAsync(owner.Key, Deletion.ForegroundFinalizer, cancel).ConfigureAwait(false);
        }
    }

    private Task DropReferencesAsync(ObjectKey key, Func<JsonObject, bool> drop, CancellationToken cancel) => Client.UpdateAsync(key, "", value =>
    {
        var metadata = ObjectMetadata.Of(value);
        var kept = metadata.Items("ownerReferences").Where(reference => !drop(reference)).Select(reference => (JsonObject)reference.DeepClone()).ToJsonArray();
        metadata.SetOrRemove("ownerReferences", kept.Count == 0 ? null : kept);
    }, cancel);

    private Task RemoveFinalizerAsync(ObjectKey key, string name, CancellationToken cancel) => Client.UpdateAsync(key, "", value =>
    {
        var kept = ObjectMetadata.Finalizers(value).Where(finalizer => finalizer != name).ToJsonArray();
        ObjectMetadata.Of(value).SetOrRemove("finalizers", kept.Count == 0 ? null : kept);
    }, cancel);

    private enum OwnerState
    {
        Present,
        Absent,

        /// <summary>Of a kind that is not served: nothing can be said.</summary>
        Unknown,
    }

    private OwnerState FindOwner(JsonElement reference, string space)
    {
        if (OwnerKey(reference, space) is not { } key) return OwnerState.Unknown;
        return Client.Store.Get(key)?.Root.Text("metadata", "uid") == reference.Text("uid") ? OwnerState.Present : OwnerState.Absent;
    }

    private ObjectKey? OwnerKey(JsonElement reference, string space)
    {
        var resource = Client.Catalog.FindKind(reference.Text("apiVersion") ?? "", reference.Text("kind") ?? "");
        return resource is null ? null : new ObjectKey(resource.Kind.StorageName, resource.Kind.Namespaced ? space : "", reference.Text("name") ?? "");
    }

    private static string[] Owners(JsonElement root) => [.. root.Items("metadata", "ownerReferences").Select(reference => reference.Text("uid")).OfType<string>()];
}
