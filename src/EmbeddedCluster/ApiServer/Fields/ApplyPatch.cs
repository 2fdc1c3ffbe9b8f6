using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Fields;

/// <summary>
/// A server-side apply: the manager's configuration goes over the live object, what it applied before and no longer does goes away, and
/// a field that another manager set to something else is a conflict unless forced. Owned by one request.
/// </summary>
internal sealed class ApplyPatch
{
    private readonly JsonObject _applied;
    private readonly ServedResource _resource;
    private readonly TypeSchema _type;
    private readonly ManagedFieldsEntry _who;
    private readonly bool _force;
    private List<ManagedFieldsEntry> _managers = [];

    /// <param name="received">The configuration, of the served version.</param>
    /// <param name="resource">The kind.</param>
    /// <param name="type">Type of the stored object.</param>
    /// <param name="scope">Names the manager.</param>
    /// <param name="subresource">Part that is applied to, empty for the whole.</param>
    /// <param name="force">Take fields from others.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ApiException">The configuration is no object of the kind.</exception>
    public ApplyPatch(ReceivedObject received, ServedResource resource, TypeSchema type, RequestScope scope, string subresource, bool force, DateTimeOffset now)
    {
        if (received.Value.At("metadata", "managedFields") is not null) throw ApiException.BadRequest("metadata.managedFields must be nil");
        _applied = received.Value;
        (_resource, _type, _force) = (resource, type, force);
        ObjectReader.Convert(_applied, received.Duplicates, resource, scope);
        _who = new ManagedFieldsEntry(scope.FieldManager, ManagedFields.Apply, resource.ApiVersion, subresource)
        {
            Fields = FieldPaths.Of(ManagedFields.Owned(_applied), type), Time = ObjectMetadata.Time(now),
        };
    }

    /// <summary>The new object of the served version.</summary>
    /// <exception cref="ApiException">Other managers own fields that would change (409).</exception>
    public ReceivedObject Produce(JsonObject? current)
    {
        if (current is null)
        {
            _managers = [_who];
            return Served((JsonObject)_applied.DeepClone());
        }
        _resource.ToStorage?.Invoke(current);
        var managers = ManagedFields.Read(current);
        var mine = managers.FirstOrDefault(manager => manager.Operation == ManagedFields.Apply && manager.Name == _who.Name && manager.Subresource == _who.Subresource);
        var others = managers.Where(manager => !ReferenceEquals(manager, mine)).ToList();
        var merged = (JsonObject)AppliedMerge.Merge(current, _applied, _type)!;
        if (mine is not null)
        {
            var kept = others.Aggregate(_who.Fields, (set, manager) => set.Union(manager.Fields));
            AppliedMerge.Prune(merged, _type, mine.Fields.Except(_who.Fields), kept);
        }
        // Unless the configuration names a revision, it applies to whatever state is met.
        ObjectMetadata.Of(merged).SetOrRemove("resourceVersion", _applied.At("metadata", "resourceVersion")?.DeepClone());
        var (changed, removed) = FieldPaths.Compare(ManagedFields.Owned(current), ManagedFields.Owned(merged), _type);
        CheckConflicts(others, changed.Intersect(_who.Fields));
        _managers = [.. others.Select(manager => manager with { Fields = manager.Fields.Except(changed.Intersect(_who.Fields)).Except(removed) }),
            mine is not null && mine.Fields.Except(_who.Fields).IsEmpty && _who.Fields.Except(mine.Fields).IsEmpty && changed.IsEmpty ? mine : _who];
        return Served(merged);
    }

    /// <summary>Writes the owners into the object as it will be stored.</summary>
    public void Record(JsonObject value) => ManagedFields.Write(value, _managers);

    private ReceivedObject Served(JsonObject value)
    {
        value["apiVersion"] = _resource.Kind.StorageApiVersion;
        ObjectReader.FromStorage(value, _resource);
        // The configuration was checked already; what else is there came from the server.
        return new ReceivedObject(value);
    }

    private void CheckConflicts(List<ManagedFieldsEntry> others, FieldSet changed)
    {
        if (_force) return;
        var conflicts = others.Select(manager => (Manager: manager, Paths: manager.Fields.Intersect(changed).Paths().ToArray())).Where(pair => pair.Paths.Length > 0).ToArray();
        if (conflicts.Length == 0) return;
        var causes = new JsonArray();
        var parts = new List<string>();
        foreach (var (manager, paths) in conflicts)
        {
            var by = $"\"{manager.Name}\"{(manager.Subresource.Length > 0 ? $" with subresource \"{manager.Subresource}\"" : "")}{(manager.Operation == ManagedFields.Update ? $" using {manager.ApiVersion}" : "")}";
            foreach (var path in paths) causes.Add((JsonNode)ApiException.Cause("FieldManagerConflict", $"conflict with {by}", path));
            parts.Add(paths.Length == 1 ? $"conflict with {by}: {paths[0]}" : $"conflicts with {by}:\n- {string.Join("\n- ", paths)}");
        }
        var count = conflicts.Sum(pair => pair.Paths.Length);
        throw new ApiException(409, "Conflict", $"Apply failed with {count} conflict{(count == 1 ? "" : "s")}: {string.Join("\n", parts)}", new JsonObject { ["causes"] = causes });
    }
}
