using Lateen.EmbeddedCluster.ApiServer.Discovery;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Subresources;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Every request enters here: 1. open paths, 2. who asks, 3. documents, 4. the resource and the verb. Any thread.</summary>
internal sealed partial class RequestRouter(ResourceRegistry registry, Authenticator authenticator, DocumentEndpoint documents, OpenApiEndpoint openApi,
    ResourceEndpoint resources, SubresourceEndpoint subresources, ReviewEndpoint reviews, NodeProxy nodes, ILogger logger)
{
    public async Task HandleAsync(HttpContext http)
    {
        RequestScope? scope = null;
        try
        {
            if (await documents.TryOpenAsync(http).ConfigureAwait(false)) return;
            var user = authenticator.Identify(http) ?? throw ApiException.Unauthorized();
            scope = Scope(http, user);
            if (RequestTarget.Parse(http.Request.Path.Value ?? "") is { Plural: "pods", Group: "", Name.Length: > 0 } pod && nodes.Serve(http, pod) is { } proxied)
            {
                await proxied.ConfigureAwait(false);
                return;
            }
            if (await openApi.TryAsync(http).ConfigureAwait(false)) return;
            var form = Representation.Choose(http.Request.Headers.Accept);
            if (await documents.TryAsync(http, form).ConfigureAwait(false)) return;
            await DispatchAsync(http, scope, form).ConfigureAwait(false);
        }
        catch (ApiException error)
        {
            if (!http.Response.HasStarted) await ApiResponse.WriteErrorAsync(http, error, scope).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client went away.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            LogFailure(logger, failure, http.Request.Method, http.Request.Path);
            if (!http.Response.HasStarted) await ApiResponse.WriteErrorAsync(http, ApiException.InternalError(failure.Message), scope).ConfigureAwait(false);
        }
    }

    private Task DispatchAsync(HttpContext http, RequestScope scope, Representation form)
    {
        var target = RequestTarget.Parse(http.Request.Path.Value ?? "") ?? throw ApiException.NoSuchPath();
        var resource = registry.Current.Find(target.Group, target.Version, target.Plural) ?? throw ApiException.NoSuchPath();
        if (!resource.Kind.Namespaced && target.Namespace.Length > 0) throw ApiException.NoSuchPath();
        if (resource.Kind.Namespaced && target.Namespace.Length == 0 && target.Name.Length > 0 && !target.WatchPrefix) throw ApiException.NoSuchPath();
        if (resource.Deprecation is { } warning) scope.Warn(warning);
        if (target.Subresource is not ("" or "status")) return subresources.Serve(http, scope, resource, target, form) ?? throw ApiException.NoSuchPath();
        if (target.Subresource == "status" && !resource.Kind.HasStatus) throw ApiException.NoSuchPath();
        var method = http.Request.Method;
        if (method == "POST" && resource.Verbs is ["create"])
            return resource.Plural == "bindings" ? subresources.BindAsync(http, scope, registry.Current.Find("", "v1", "pods")!, target.Namespace, target.Name, form)
                : reviews.Serve(http, scope, resource, form) ?? throw ApiException.NoSuchPath();
        var watch = target.WatchPrefix || ListQuery.Flag(http.Request.Query["watch"].ToString());
        return (method, target.Name.Length > 0) switch
        {
            ("GET", _) when watch && Allowed(resource, "watch") => resources.WatchAsync(http, scope, resource, target, form),
            ("GET", true) when Allowed(resource, "get") => resources.GetAsync(http, scope, resource, target, form),
            ("GET", false) when Allowed(resource, "list") => resources.ListAsync(http, scope, resource, target, form),
            ("POST", false) when Allowed(resource, "create") => resources.CreateAsync(http, scope, resource, target, form),
            ("PUT", true) when Allowed(resource, "update") => resources.ReplaceAsync(http, scope, resource, target, form),
            ("PATCH", true) when Allowed(resource, "patch") => resources.PatchAsync(http, scope, resource, target, form),
            ("DELETE", true) when target.Subresource.Length == 0 && Allowed(resource, "delete") => resources.DeleteAsync(http, scope, resource, target, form),
            ("DELETE", false) when Allowed(resource, "deletecollection") => resources.DeleteCollectionAsync(http, scope, resource, target, form),
            _ => throw ApiException.MethodNotAllowed(),
        };
    }

    private static bool Allowed(ServedResource resource, string verb) => resource.Verbs.Contains(verb);

    private static RequestScope Scope(HttpContext http, UserIdentity user)
    {
        var query = http.Request.Query;
        var dryRun = query["dryRun"].ToString();
        if (dryRun is not ("" or "All")) throw ApiException.BadRequest($"Invalid value: \"{dryRun}\": dryRun must be All");
        var manager = query["fieldManager"].ToString();
        if (manager.Length == 0)
        {
            // As Kubernetes: what stands before the slash of the client's name.
            var agent = http.Request.Headers.UserAgent.ToString();
            var slash = agent.IndexOf('/');
            manager = slash > 0 ? agent[..slash] : agent.Length > 0 ? agent : "unknown";
            if (manager.Length > 128) manager = manager[..128];
        }
        return new RequestScope(user, http.RequestAborted)
        {
            DryRun = dryRun.Length > 0, FieldManager = manager,
            FieldValidation = query["fieldValidation"].ToString() switch
            {
                "Strict" => FieldValidation.Strict, "Ignore" => FieldValidation.Ignore, "Warn" or "" => FieldValidation.Warn,
                var other => throw ApiException.BadRequest($"fieldValidation: Unsupported value: \"{other}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""),
            },
        };
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailure(ILogger logger, Exception failure, string method, string path);
}
