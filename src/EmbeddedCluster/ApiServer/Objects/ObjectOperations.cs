using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Admission;
using Lateen.EmbeddedCluster.ApiServer.Fields;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Schemas.Expressions;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Objects;

/// <summary>A received object with the paths of its repeated keys.</summary>
internal sealed record ReceivedObject(JsonObject Value, IReadOnlyList<string> Duplicates)
{
    public ReceivedObject(JsonObject value)
        : this(value, [])
    {
    }
}

/// <summary>What an update did.</summary>
internal sealed record UpdateOutcome(StoredObject Object, bool Created = false, bool Removed = false);

/// <summary>
/// Every write of the cluster's objects goes through here, from clients and controllers alike: 1. decode and default, 2. mutating
/// admission, 3. the kind's preparation, 4. validation, 5. validating admission, 6. field ownership, 7. store. Any thread.
/// </summary>
internal sealed class ObjectOperations(RuleContext context, IReadOnlyList<IAdmission> admission)
{
    /// <summary>The part of a pod that the scheduler writes: its node, and the condition that says so.</summary>
    public const string BindingPart = "binding";

    private const int Attempts = 16;

    public RuleContext Context { get; } = context;

    private ObjectStore Store => Context.Store;

    /// <summary>Raised after a write of a kind that changes what the server serves.</summary>
    public event Action<ObjectKey>? Written;

    /// <summary>The committed object.</summary>
    /// <exception cref="ApiException">There is none.</exception>
    public StoredObject Get(ServedResource resource, string namespaceName, string name) =>
        Store.Get(Key(resource, namespaceName, name)) ?? throw Missing(resource, name);

    /// <summary>Adds an object.</summary>
    /// <param name="scope">Who asks.</param>
    /// <param name="resource">The kind and version.</param>
    /// <param name="namespaceName">Namespace of the object.</param>
    /// <param name="received">The object, which is consumed.</param>
    /// <param name="record">Writes the owners of the fields; null for a plain write by the scope's manager.</param>
    public async Task<StoredObject> CreateAsync(RequestScope scope, ServedResource resource, string namespaceName, ReceivedObject received, Action<JsonObject>? record = null)
    {
        var kind = resource.Kind;
        var value = received.Value;
        ObjectReader.ToStorage(value, received.Duplicates, resource, scope);
        var metadata = ObjectMetadata.Of(value);
        if (!string.IsNullOrEmpty(metadata.Text("resourceVersion"))) throw ApiException.BadRequest("resourceVersion should not be set on objects to be created");
        SetNamespace(metadata, kind, namespaceName);
        ObjectMetadata.PrepareCreate(value, kind, Context.Clock.GetUtcNow());
        var call = new AdmissionCall("CREATE", resource, "", namespaceName, scope)
        {
            Name = metadata.Text("name") ?? "", Value = value,
            Options = new JsonObject { ["kind"] = "CreateOptions", ["apiVersion"] = "meta.k8s.io/v1", ["fieldManager"] = scope.FieldManager },
        };
        value = await MutateAsync(call).ConfigureAwait(false);
        var generated = SetName(value);
        for (var attempt = 1; ; attempt++)
        {
            var stored = await TryCreateAsync(call, value, record).ConfigureAwait(false);
            if (stored is not null) return stored;
            var name = value.Text("metadata", "name")!;
            if (generated is null || attempt == 8) throw ApiException.AlreadyExists(resource.Group, resource.Plural, name);
            ObjectMetadata.Of(value)["name"] = ObjectNames.Generate(generated);
        }
    }

    /// <summary>Replaces an object, or a part of it.</summary>
    /// <param name="scope">Who asks.</param>
    /// <param name="resource">The kind and version.</param>
    /// <param name="namespaceName">Namespace of the object.</param>
    /// <param name="name">Its name.</param>
    /// <param name="subresource">Empty, "status" or another part.</param>
    /// <param name="produce">Makes the new object of the served version from a copy of the current one, null when there is none.</param>
    /// <param name="mayCreate">A missing object is added.</param>
    /// <param name="record">Writes the owners of the fields; null for a plain write by the scope's manager.</param>
    public async Task<UpdateOutcome> UpdateAsync(RequestScope scope, ServedResource resource, string namespaceName, string name, string subresource,
        Func<JsonObject?, ReceivedObject> produce, bool mayCreate = false, Action<JsonObject>? record = null)
    {
        var key = Key(resource, namespaceName, name);
        for (var attempt = 1; ; attempt++)
        {
            var current = Store.GetLatest(key);
            if (current is null)
            {
                if (!mayCreate) throw Missing(resource, name);
                return new UpdateOutcome(await CreateAsync(scope, resource, namespaceName, produce(null), record).ConfigureAwait(false), Created: true);
            }
            var (outcome, pinned) = await TryUpdateAsync(scope, resource, subresource, current, produce, record).ConfigureAwait(false);
            if (outcome is not null) return outcome;
            if (pinned || attempt == Attempts) throw ApiException.Stale(resource.Group, resource.Plural, name);
        }
    }

    /// <summary>Begins or completes the deletion of an object.</summary>
    /// <returns>The object's last or pending state, and whether it is gone.</returns>
    public async Task<UpdateOutcome> DeleteAsync(RequestScope scope, ServedResource resource, string namespaceName, string name, JsonObject? options)
    {
        var key = Key(resource, namespaceName, name);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var current = Store.GetLatest(key) ?? throw Missing(resource, name);
            var value = current.Copy();
            CheckPreconditions(resource, name, value, options.Child("preconditions"));
            await ValidateAsync(new AdmissionCall("DELETE", resource, "", namespaceName, scope) { Name = name, Old = value, Options = options }).ConfigureAwait(false);
            var deletion = Deletion.Plan(value, resource.Kind, options, Context.Clock.GetUtcNow());
            if (scope.DryRun || deletion == DeletionStep.Nothing) return new UpdateOutcome(Ephemeral(key, current.Revision, value), Removed: deletion == DeletionStep.Remove);
            var result = deletion == DeletionStep.Remove
                ? await Store.RemoveAsync(key, value, current.Revision).ConfigureAwait(false)
                : await Store.PutAsync(key, value, current.Revision).ConfigureAwait(false);
            if (result.Status == WriteStatus.Missing) throw Missing(resource, name);
            if (result.Status != WriteStatus.Written) continue;
            Finish(resource, result.Object!, deletion == DeletionStep.Remove ? null : value, current.Copy());
            return new UpdateOutcome(result.Object!, Removed: deletion == DeletionStep.Remove);
        }
        throw ApiException.Stale(resource.Group, resource.Plural, name);
    }

    private async Task<StoredObject?> TryCreateAsync(AdmissionCall call, JsonObject value, Action<JsonObject>? record)
    {
        var (resource, scope) = (call.Resource, call.Scope);
        var kind = resource.Kind;
        var key = Key(resource, call.Namespace, value.Text("metadata", "name") ?? "");
        if (key.Name.Length > 0 && Store.GetLatest(key) is not null) return null;
        kind.Rules.PrepareCreate(value, Context, scope);
        try
        {
            Check(value, null, resource);
            call.Value = value;
            call.Name = key.Name;
            await ValidateAsync(call).ConfigureAwait(false);
            Record(value, null, resource, scope, "", record);
            if (scope.DryRun)
            {
                kind.Rules.Abandon(value, null, Context);
                return Ephemeral(key, 0, value);
            }
            var result = await Store.PutAsync(key, (JsonObject)value.DeepClone(), 0).ConfigureAwait(false);
            if (result.Status == WriteStatus.Written)
            {
                Written?.Invoke(key);
                return result.Object;
            }
        }
        catch
        {
            kind.Rules.Abandon(value, null, Context);
            throw;
        }
        kind.Rules.Abandon(value, null, Context);
        return null;
    }

    private async Task<(UpdateOutcome? Outcome, bool Pinned)> TryUpdateAsync(RequestScope scope, ServedResource resource, string subresource,
        StoredObject current, Func<JsonObject?, ReceivedObject> produce, Action<JsonObject>? record)
    {
        var (kind, key) = (resource.Kind, current.Key);
        var old = current.Copy();
        var served = current.Copy();
        ObjectReader.FromStorage(served, resource);
        var received = produce(served);
        var value = received.Value;
        ObjectReader.ToStorage(value, received.Duplicates, resource, scope);
        var pinned = CheckIdentity(value, old, resource, key);
        RestoreUntouched(value, old, kind, subresource);
        ObjectMetadata.PrepareUpdate(value, old);
        var call = new AdmissionCall("UPDATE", resource, subresource, key.Namespace, scope)
        {
            Name = key.Name, Value = value, Old = old,
            Options = new JsonObject { ["kind"] = "UpdateOptions", ["apiVersion"] = "meta.k8s.io/v1", ["fieldManager"] = scope.FieldManager },
        };
        value = await MutateAsync(call).ConfigureAwait(false);
        RestoreUntouched(value, old, kind, subresource);
        ObjectMetadata.PrepareUpdate(value, old);
        if (subresource == "status") kind.Rules.PrepareStatus(value, old);
        else if (subresource != "finalize") kind.Rules.PrepareUpdate(value, old, Context);
        ObjectMetadata.BumpGeneration(value, old, kind);
        try
        {
            Check(value, old, resource);
            call.Value = value;
            await ValidateAsync(call).ConfigureAwait(false);
            Record(value, old, resource, scope, subresource, record);
            if (ObjectMetadata.SameObject(value, old) && SameOwners(value, old)) return (new UpdateOutcome(current), pinned);
            var gone = ObjectMetadata.IsDeleting(value) && Deletion.IsComplete(value, kind);
            if (scope.DryRun)
            {
                kind.Rules.Abandon(value, old, Context);
                return (new UpdateOutcome(Ephemeral(key, current.Revision, value), Removed: gone), pinned);
            }
            var result = gone
                ? await Store.RemoveAsync(key, (JsonObject)value.DeepClone(), current.Revision).ConfigureAwait(false)
                : await Store.PutAsync(key, (JsonObject)value.DeepClone(), current.Revision).ConfigureAwait(false);
            if (result.Status == WriteStatus.Written)
            {
                Finish(resource, result.Object!, gone ? null : value, old);
                return (new UpdateOutcome(result.Object!, Removed: gone), pinned);
            }
        }
        catch
        {
            kind.Rules.Abandon(value, old, Context);
            throw;
        }
        kind.Rules.Abandon(value, old, Context);
        return (null, pinned);
    }

    /// <summary>True when the update named the revision that it was based on, which must be the current one.</summary>
    private static bool CheckIdentity(JsonObject value, JsonObject old, ServedResource resource, ObjectKey key)
    {
        var metadata = ObjectMetadata.Of(value);
        metadata.SetDefault("name", key.Name);
        SetNamespace(metadata, resource.Kind, key.Namespace);
        if (metadata.Text("name") != key.Name)
            throw ApiException.BadRequest($"the name of the object ({metadata.Text("name")}) does not match the name on the URL ({key.Name})");
        if (metadata.Text("uid") is { Length: > 0 } uid && uid != old.Text("metadata", "uid"))
            throw ApiException.Conflict(resource.Group, resource.Plural, key.Name,
                $"Precondition failed: UID in precondition: {uid}, UID in object meta: {old.Text("metadata", "uid")}");
        var revision = metadata.Text("resourceVersion");
        if (string.IsNullOrEmpty(revision)) return false;
        if (revision != old.Text("metadata", "resourceVersion")) throw ApiException.Stale(resource.Group, resource.Plural, key.Name);
        return true;
    }

    /// <summary>Status changes through its subresource only, and nothing else does through that.</summary>
    private static void RestoreUntouched(JsonObject value, JsonObject old, ResourceKind kind, string subresource)
    {
        if (subresource == BindingPart) return;
        if (subresource == "status")
        {
            foreach (var name in value.Select(pair => pair.Key).ToArray())
                if (name is not ("status" or "apiVersion" or "kind")) value.Remove(name);
            foreach (var (name, part) in old)
                if (name is not ("status" or "apiVersion" or "kind")) value[name] = part?.DeepClone();
        }
        else if (kind.HasStatus)
        {
            value.SetOrRemove("status", old["status"]?.DeepClone());
        }
    }

    private static void Check(JsonObject value, JsonObject? old, ServedResource resource)
    {
        var kind = resource.Kind;
        var problems = new FieldProblems();
        ObjectMetadata.Validate(value, kind, problems);
        if (kind.IsCustom)
        {
            CustomObjectValidator.Validate(value, resource.Schema, problems);
            CustomObjectRules.Validate(value, old, resource.Schema, problems);
        }
        else BuiltInValidator.Validate(value, BuiltInKinds.StoredSchema(kind), problems);
        kind.Rules.Validate(value, problems);
        if (old is not null)
        {
            ObjectMetadata.ValidateUpdate(value, old, problems);
            kind.Rules.ValidateUpdate(value, old, problems);
        }
        if (problems.Any) throw ApiException.Invalid(kind.Group, kind.Kind, value.Text("metadata", "name") ?? "", problems.All);
    }

    private void Record(JsonObject value, JsonObject? old, ServedResource resource, RequestScope scope, string subresource, Action<JsonObject>? record)
    {
        if (record is not null)
        {
            record(value);
            return;
        }
        var part = subresource is "status" or "scale" ? subresource : "";
        ManagedFields.RecordUpdate(value, old, resource.Kind.IsCustom ? resource.Schema : BuiltInKinds.StoredSchema(resource.Kind),
            new ManagedFieldsEntry(scope.FieldManager, ManagedFields.Update, resource.ApiVersion, part) { Time = ObjectMetadata.Time(Context.Clock.GetUtcNow()) });
    }

    private static bool SameOwners(JsonObject value, JsonObject old) => JsonNode.DeepEquals(value.At("metadata", "managedFields"), old.At("metadata", "managedFields"));

    private async Task<JsonObject> MutateAsync(AdmissionCall call)
    {
        foreach (var step in admission) await step.MutateAsync(call).ConfigureAwait(false);
        return call.Value!;
    }

    private async Task ValidateAsync(AdmissionCall call)
    {
        foreach (var step in admission) await step.ValidateAsync(call).ConfigureAwait(false);
    }

    private void Finish(ServedResource resource, StoredObject stored, JsonObject? value, JsonObject old)
    {
        resource.Kind.Rules.Settle(value, old, Context);
        Written?.Invoke(stored.Key);
    }

    private static void SetNamespace(JsonObject metadata, ResourceKind kind, string namespaceName)
    {
        var named = metadata.Text("namespace");
        if (!kind.Namespaced) metadata.Remove("namespace");
        else if (string.IsNullOrEmpty(named)) metadata["namespace"] = namespaceName;
        else if (named != namespaceName)
            throw ApiException.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
    }

    /// <summary>Gives a nameless object a name; returns the prefix when one was generated.</summary>
    private static string? SetName(JsonObject value)
    {
        var metadata = ObjectMetadata.Of(value);
        if (metadata.Text("name") is { Length: > 0 } || metadata.Text("generateName") is not { Length: > 0 } prefix) return null;
        metadata["name"] = ObjectNames.Generate(prefix);
        return prefix;
    }

    private static void CheckPreconditions(ServedResource resource, string name, JsonObject value, JsonObject? preconditions)
    {
        var (kind, group) = (resource.Kind.Kind, resource.Group);
        if (preconditions.Text("uid") is { } uid && uid != value.Text("metadata", "uid"))
            throw ApiException.Conflict(group, kind, name,
                $"the UID in the precondition ({uid}) does not match the UID in record ({value.Text("metadata", "uid")}). The object might have been deleted and then recreated");
        if (preconditions.Text("resourceVersion") is { } revision && revision != value.Text("metadata", "resourceVersion"))
            throw ApiException.Conflict(group, kind, name,
                $"the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({value.Text("metadata", "resourceVersion")}). The object might have been modified");
    }

    /// <summary>An object as a dry run shows it.</summary>
    private static StoredObject Ephemeral(ObjectKey key, long revision, JsonObject value) => new(key, revision, JsonText.ToBytes(value));

    private static ObjectKey Key(ServedResource resource, string namespaceName, string name) =>
        new(resource.Kind.StorageName, resource.Kind.Namespaced ? namespaceName : "", name);

    private static ApiException Missing(ServedResource resource, string name) => ApiException.NotFound(resource.Group, resource.Plural, name);
}
