using System.Buffers;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Fields;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Patches;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Serves the plain verbs on collections and objects. Any thread.</summary>
internal sealed class ResourceEndpoint(ObjectOperations operations, CancellationToken stopping)
{
    private ObjectStore Store => operations.Context.Store;

    /// <summary>GET of one object.</summary>
    public Task GetAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var stored = operations.Get(resource, target.Namespace, target.Name);
        return WriteAsync(http, 200, stored, resource, form, scope);
    }

    /// <summary>GET of a collection.</summary>
    public Task ListAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var query = ListQuery.Read(http.Request.Query, resource, "");
        var (revision, items, proceed) = Select(query, resource, target.Namespace);
        var body = new ArrayBufferWriter<byte>(16384);
        Presenter(http, resource, form).WriteList(body, revision, items, proceed);
        return ApiResponse.WriteAsync(http, 200, body.WrittenMemory, form, scope);
    }

    public Task WatchAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var query = ListQuery.Read(http.Request.Query, resource, target.Name);
        var stream = new WatchStream(Store, resource, target.Namespace, query, Presenter(http, resource, form), operations.Context.Clock);
        return stream.RunAsync(http, form, scope, stopping);
    }

    public async Task CreateAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        if (resource.Kind.Namespaced && target.Namespace.Length == 0)
            throw ApiException.BadRequest("an empty namespace may not be set during creation");
        var stored = await operations.CreateAsync(scope, resource, target.Namespace, received).ConfigureAwait(false);
        await WriteAsync(http, 201, stored, resource, form, scope).ConfigureAwait(false);
    }

    public async Task ReplaceAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        // Each attempt consumes its object.
        var outcome = await operations.UpdateAsync(scope, resource, target.Namespace, target.Name, target.Subresource,
            _ => received with { Value = (JsonObject)received.Value.DeepClone() }).ConfigureAwait(false);
        await WriteAsync(http, 200, outcome.Object, resource, form, scope).ConfigureAwait(false);
    }

    public async Task PatchAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var type = RequestBody.MediaType(http.Request);
        var bytes = await RequestBody.ReadBytesAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        if (type == "application/apply-patch+yaml")
        {
            await ApplyAsync(http, scope, resource, target, form, bytes).ConfigureAwait(false);
            return;
        }
        var patch = ObjectPatch.Read(type, bytes, resource.Kind.IsCustom, resource.Schema);
        var outcome = await operations.UpdateAsync(scope, resource, target.Namespace, target.Name, target.Subresource, patch.Apply).ConfigureAwait(false);
        await WriteAsync(http, outcome.Created ? 201 : 200, outcome.Object, resource, form, scope).ConfigureAwait(false);
    }

    private async Task ApplyAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form, byte[] bytes)
    {
        if (http.Request.Query["fieldManager"].ToString().Length == 0)
            throw ApiException.Invalid("meta.k8s.io", "PatchOptions", "", [new("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")]);
        var received = RequestBody.ParseObject(bytes, yaml: true);
        var type = resource.Kind.IsCustom ? resource.Schema : BuiltInKinds.StoredSchema(resource.Kind);
        var apply = new ApplyPatch(received, resource, type, scope, target.Subresource, ListQuery.Flag(http.Request.Query["force"].ToString()), operations.Context.Clock.GetUtcNow());
        var outcome = await operations.UpdateAsync(scope, resource, target.Namespace, target.Name, target.Subresource, apply.Produce,
            mayCreate: target.Subresource.Length == 0, apply.Record).ConfigureAwait(false);
        await WriteAsync(http, outcome.Created ? 201 : 200, outcome.Object, resource, form, scope).ConfigureAwait(false);
    }

    public async Task DeleteAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var options = await ReadDeleteOptionsAsync(http, scope).ConfigureAwait(false);
        var outcome = await operations.DeleteAsync(scope, resource, target.Namespace, target.Name, options).ConfigureAwait(false);
        if (outcome.Removed) await ApiResponse.WriteAsync(http, 200, Deleted(outcome.Object, resource), form with { Form = ObjectForm.Object }, scope).ConfigureAwait(false);
        else await WriteAsync(http, 200, outcome.Object, resource, form, scope).ConfigureAwait(false);
    }

    public async Task DeleteCollectionAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var options = await ReadDeleteOptionsAsync(http, scope).ConfigureAwait(false);
        var query = ListQuery.Read(http.Request.Query, resource, "");
        var (revision, items, proceed) = Select(query, resource, target.Namespace);
        foreach (var item in items)
        {
            try
            {
                await operations.DeleteAsync(scope, resource, item.Key.Namespace, item.Key.Name, options?.DeepClone() as JsonObject).ConfigureAwait(false);
            }
            catch (ApiException gone) when (gone.Code == 404)
            {
                // Somebody else was faster.
            }
        }
        var body = new ArrayBufferWriter<byte>(16384);
        Presenter(http, resource, form).WriteList(body, revision, items, proceed);
        await ApiResponse.WriteAsync(http, 200, body.WrittenMemory, form, scope).ConfigureAwait(false);
    }

    public Task WriteAsync(HttpContext http, int code, StoredObject stored, ServedResource resource, Representation form, RequestScope scope)
    {
        var body = new ArrayBufferWriter<byte>(stored.Length + 256);
        Presenter(http, resource, form).Write(body, stored);
        return ApiResponse.WriteAsync(http, code, body.WrittenMemory, form, scope);
    }

    private ObjectPresenter Presenter(HttpContext http, ServedResource resource, Representation form) =>
        new(resource, form, http.Request.Query["includeObject"].ToString(), operations.Context.Clock);

    private (long Revision, IReadOnlyList<StoredObject> Items, (string, long?)? Proceed) Select(ListQuery query, ServedResource resource, string namespaceName)
    {
        var list = ReadList(query, resource, namespaceName);
        var items = list.Items.Where(stored => query.Selects(stored, namespaceName));
        if (query.Continue is { } start) items = items.Where(stored => new ListPosition(stored.Key.Namespace, stored.Key.Name).CompareTo(start.After) > 0);
        var selected = items.ToArray();
        if (query.Limit <= 0 || selected.Length <= query.Limit) return (list.Revision, selected, null);
        var page = selected[..(int)query.Limit];
        long? left = query.Labels.IsEverything && query.Fields.IsEverything ? selected.Length - page.Length : null;
        return (list.Revision, page, (ListQuery.ContinueToken(list.Revision, page[^1].Key), left));
    }

    private ObjectList ReadList(ListQuery query, ServedResource resource, string namespaceName)
    {
        var name = resource.Kind.StorageName;
        try
        {
            if (query.Continue is { } start) return Store.ListAt(name, namespaceName, start.Revision);
            var revision = query.RevisionNumber();
            if (query.RevisionMatch == "Exact" || (query.RevisionMatch.Length == 0 && query.Limit > 0 && revision is not null))
                return Store.ListAt(name, namespaceName, revision ?? throw ApiException.BadRequest("resourceVersionMatch Exact needs a resourceVersion"));
            if (query.RevisionMatch.Length > 0 && query.Revision.Length == 0)
                throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", [new("resourceVersionMatch", "FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")]);
            if (revision > Store.Revision) throw new RevisionTooLargeException(revision.Value, Store.Revision);
            return Store.List(name, namespaceName);
        }
        catch (RevisionTooLargeException wrong)
        {
            throw ApiException.TooLargeRevision(wrong.Message);
        }
        catch (RevisionGoneException) when (query.Continue is not null)
        {
            throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
        }
        catch (RevisionGoneException gone)
        {
            throw ApiException.Expired(gone.Message);
        }
    }

    private static async Task<JsonObject?> ReadDeleteOptionsAsync(HttpContext http, RequestScope scope)
    {
        var options = await RequestBody.ReadOptionsAsync(http.Request, scope.Cancel).ConfigureAwait(false) ?? [];
        var query = http.Request.Query;
        if (long.TryParse(query["gracePeriodSeconds"], out var grace)) options["gracePeriodSeconds"] = grace;
        if (query["propagationPolicy"].ToString() is { Length: > 0 } policy) options["propagationPolicy"] = policy;
        if (options.Text("propagationPolicy") is { } named && named is not ("Background" or "Foreground" or "Orphan"))
            throw ApiException.Invalid("meta.k8s.io", "DeleteOptions", "", [new("propagationPolicy", "FieldValueNotSupported",
                $"Unsupported value: \"{named}\": supported values: \"Background\", \"Foreground\", \"Orphan\"")]);
        if (options.Whole("gracePeriodSeconds") < 0) options["gracePeriodSeconds"] = 1L;
        return options;
    }

    private static JsonObject Deleted(StoredObject stored, ServedResource resource)
    {
        var details = new JsonObject { ["name"] = stored.Key.Name };
        if (resource.Group.Length > 0) details["group"] = resource.Group;
        details["kind"] = resource.Plural;
        details["uid"] = stored.Root.Text("metadata", "uid");
        return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }
}
