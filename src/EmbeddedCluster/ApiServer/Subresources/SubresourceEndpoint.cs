using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Patches;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Subresources;

/// <summary>Serves scale, finalize, eviction, binding and token. Any thread.</summary>
internal sealed class SubresourceEndpoint(ObjectOperations operations, ResourceEndpoint resources, AccountTokens tokens)
{
    private static readonly TimeSpan LongestToken = TimeSpan.FromDays(365);

    /// <summary>Answers a request for a subresource; null when the kind has no such.</summary>
    public Task? Serve(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var method = http.Request.Method;
        return (resource.Kind.StorageName, target.Subresource, method) switch
        {
            (_, "scale", "GET") when resource.Scale is not null => GetScaleAsync(http, scope, resource, target, form),
            (_, "scale", "PUT") when resource.Scale is not null => PutScaleAsync(http, scope, resource, target, form),
            (_, "scale", "PATCH") when resource.Scale is not null => PatchScaleAsync(http, scope, resource, target, form),
            ("namespaces", "finalize", "PUT") => resources.ReplaceAsync(http, scope, resource, target, form),
            ("pods", "eviction", "POST") => EvictAsync(http, scope, resource, target, form),
            ("pods", "binding", "POST") => BindAsync(http, scope, resource, target.Namespace, target.Name, form),
            ("serviceaccounts", "token", "POST") => IssueTokenAsync(http, scope, resource, target, form),
            (_, "scale", _) when resource.Scale is not null => throw ApiException.MethodNotAllowed(),
            ("namespaces", "finalize", _) or ("pods", "eviction" or "binding", _) or ("serviceaccounts", "token", _) => throw ApiException.MethodNotAllowed(),
            _ => null,
        };
    }

    /// <summary>Binds a pod, as POST of a Binding to its collection does too.</summary>
    public async Task BindAsync(HttpContext http, RequestScope scope, ServedResource pods, string space, string name, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        ObjectReader.Decode(received.Value, TypeCatalog.Instance["core.v1.Binding"], "Binding", "v1", received.Duplicates, scope);
        if (name.Length == 0) name = received.Value.Text("metadata", "name") ?? "";
        var node = received.Value.Text("target", "name");
        if (string.IsNullOrEmpty(node)) throw ApiException.Invalid("", "Binding", name, [new("target.name", "FieldValueRequired", "Required value")]);
        await operations.UpdateAsync(scope, pods, space, name, ObjectOperations.BindingPart, current =>
        {
            var pod = current!;
            if (pod.Text("spec", "nodeName") is { Length: > 0 } taken)
                throw ApiException.Conflict("", "pods/binding", name, $"pod {name} is already assigned to node \"{taken}\"");
            pod.Ensure("spec")["nodeName"] = node;
            pod.Ensure("metadata").Remove("resourceVersion");
            Controllers.PodState.SetCondition(pod.Ensure("status"), "PodScheduled", "True", null, null, operations.Context.Clock.GetUtcNow());
            return new ReceivedObject(pod);
        }).ConfigureAwait(false);
        await ApiResponse.WriteAsync(http, 201, Success(201), form, scope).ConfigureAwait(false);
    }

    private Task GetScaleAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form) =>
        WriteScaleAsync(http, operations.Get(resource, target.Namespace, target.Name), resource, form, scope);

    private async Task PutScaleAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        ObjectReader.Decode(received.Value, ScaleView.Schema, "Scale", "v1", received.Duplicates, scope);
        await UpdateScaleAsync(http, scope, resource, target, form, _ => received.Value).ConfigureAwait(false);
    }

    private async Task PatchScaleAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var type = RequestBody.MediaType(http.Request);
        var bytes = await RequestBody.ReadBytesAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        var patch = ObjectPatch.Read(type, bytes, resource.Kind.IsCustom, ScaleView.Schema);
        await UpdateScaleAsync(http, scope, resource, target, form, scale =>
        {
            var patched = patch.Apply(scale);
            ObjectReader.Decode(patched.Value, ScaleView.Schema, "Scale", "v1", patched.Duplicates, scope);
            return patched.Value;
        }).ConfigureAwait(false);
    }

    private async Task UpdateScaleAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form, Func<JsonObject, JsonObject> change)
    {
        var outcome = await operations.UpdateAsync(scope, resource, target.Namespace, target.Name, "scale", current =>
        {
            ScaleView.Apply(change(ScaleView.Of(current!, resource)), current!, resource);
            return new ReceivedObject(current!);
        }).ConfigureAwait(false);
        await WriteScaleAsync(http, outcome.Object, resource, form, scope).ConfigureAwait(false);
    }

    private static Task WriteScaleAsync(HttpContext http, StoredObject stored, ServedResource resource, Representation form, RequestScope scope)
    {
        var value = stored.Copy();
        ObjectReader.FromStorage(value, resource);
        return ApiResponse.WriteAsync(http, 200, ScaleView.Of(value, resource), form, scope);
    }

    /// <summary>Disruption budgets are stored but not counted: an eviction is a deletion.</summary>
    private async Task EvictAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        ObjectReader.Decode(received.Value, TypeCatalog.Instance["policy.v1.Eviction"], "Eviction", "v1", received.Duplicates, scope);
        await operations.DeleteAsync(scope, resource, target.Namespace, target.Name, received.Value.Child("deleteOptions")).ConfigureAwait(false);
        await ApiResponse.WriteAsync(http, 201, Success(201), form, scope).ConfigureAwait(false);
    }

    private async Task IssueTokenAsync(HttpContext http, RequestScope scope, ServedResource resource, RequestTarget target, Representation form)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        var request = received.Value;
        ObjectReader.Decode(request, TypeCatalog.Instance["authentication.v1.TokenRequest"], "TokenRequest", "v1", received.Duplicates, scope);
        var account = operations.Get(resource, target.Namespace, target.Name);
        var spec = request.Ensure("spec");
        if (!spec.Texts("audiences").Any()) spec["audiences"] = new JsonArray(AccountTokens.Issuer);
        var seconds = spec.Whole("expirationSeconds") ?? 3600;
        var problems = new FieldProblems();
        if (seconds < 600) problems.Invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes");
        if (seconds > uint.MaxValue) problems.Invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds");
        if (problems.Any) throw ApiException.Invalid("authentication.k8s.io", "TokenRequest", target.Name, problems.All);
        spec["expirationSeconds"] = seconds;
        var life = TimeSpan.FromSeconds(Math.Min(seconds, LongestToken.TotalSeconds));
        var (token, expiry) = tokens.Issue(account, [.. spec.Texts("audiences")], life, Bound(spec.Child("boundObjectRef"), target));
        request["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = ObjectMetadata.Time(expiry) };
        request["kind"] = "TokenRequest";
        request["apiVersion"] = "authentication.k8s.io/v1";
        request["metadata"] = new JsonObject
        {
            ["name"] = target.Name, ["namespace"] = target.Namespace, ["creationTimestamp"] = ObjectMetadata.Time(operations.Context.Clock.GetUtcNow()),
        };
        await ApiResponse.WriteAsync(http, 201, request, form, scope).ConfigureAwait(false);
    }

    private StoredObject? Bound(JsonObject? reference, RequestTarget target)
    {
        if (reference is null) return null;
        var kind = reference.Text("kind");
        if (kind is not ("Pod" or "Secret"))
            throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{target.Name}\" to object of type \"{reference.Text("apiVersion")}, Kind={kind}\"");
        var plural = kind == "Pod" ? "pods" : "secrets";
        var name = reference.Text("name") ?? "";
        var found = operations.Context.Store.Get(new ObjectKey(plural, target.Namespace, name)) ?? throw ApiException.NotFound("", plural, name);
        if (reference.Text("uid") is { Length: > 0 } uid && uid != found.Root.Text("metadata", "uid"))
            throw ApiException.Conflict("", plural, name, $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        if (kind == "Pod" && found.Root.Text("spec", "serviceAccountName") != target.Name)
            throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{target.Name}\" to pod running with different serviceaccount name.");
        return found;
    }

    private static JsonObject Success(int code) => new()
    {
        ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = code,
    };
}
