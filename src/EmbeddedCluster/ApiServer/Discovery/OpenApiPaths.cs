using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>Writes the paths and operations of an OpenAPI document. Used for one document.</summary>
internal sealed class OpenApiPaths(OpenApiTypes types, bool second)
{
    private static readonly (string Name, string Type, string Words)[] Lists =
    [
        ("allowWatchBookmarks", "boolean", "Bookmarks are wanted."), ("continue", "string", "Token of the next page."), ("fieldSelector", "string", "Only objects with these fields."),
        ("labelSelector", "string", "Only objects with these labels."), ("limit", "integer", "Objects in one page."), ("resourceVersion", "string", "The revision to list or to watch from."),
        ("resourceVersionMatch", "string", "How resourceVersion is meant."), ("sendInitialEvents", "boolean", "A watch begins with what is there."),
        ("timeoutSeconds", "integer", "How long at most."), ("watch", "boolean", "Watch instead of list."),
    ];

    private static readonly (string Name, string Type, string Words)[] Writes =
    [
        ("dryRun", "string", "All: check everything, write nothing."), ("fieldManager", "string", "Who makes the change."),
        ("fieldValidation", "string", "Ignore, Warn or Strict: what becomes of unknown fields."),
    ];

    private readonly SortedDictionary<string, JsonObject> _paths = new(StringComparer.Ordinal);

    public JsonObject All => new(_paths.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));

    /// <summary>Adds the paths of a resource.</summary>
    public void Add(ServedResource resource)
    {
        var type = types.AddKind(resource);
        var root = resource.Group.Length == 0 ? $"/api/{resource.Version}" : $"/apis/{resource.Group}/{resource.Version}";
        var space = resource.Kind.Namespaced ? "/namespaces/{namespace}" : "";
        var collection = $"{root}{space}/{resource.Plural}";
        var one = collection + "/{name}";
        var scoped = resource.Kind.Namespaced ? "Namespaced" : "";
        if (resource.Verbs.Contains("list")) Put(collection, "get", Operation(resource, "list", "list" + scoped, type, Lists, false));
        if (resource.Verbs.Contains("create")) Put(collection, "post", Operation(resource, "post", "create" + scoped, type, Writes, true));
        if (resource.Verbs.Contains("deletecollection")) Put(collection, "delete", Operation(resource, "deletecollection", "deleteCollection" + scoped, type, Lists, false));
        if (resource.Kind.Namespaced && resource.Verbs.Contains("list"))
            Put($"{root}/{resource.Plural}", "get", Operation(resource, "list", "listForAllNamespaces", type, Lists, false));
        if (resource.Verbs.Contains("get")) Put(one, "get", Operation(resource, "get", "read" + scoped, type, [], false));
        if (resource.Verbs.Contains("update")) Put(one, "put", Operation(resource, "put", "replace" + scoped, type, Writes, true));
        if (resource.Verbs.Contains("patch"))
            Put(one, "patch", Operation(resource, "patch", "patch" + scoped, type, [.. Writes, ("force", "boolean", "Server-side apply takes fields from other managers.")], true));
        if (resource.Verbs.Contains("delete"))
            Put(one, "delete", Operation(resource, "delete", "delete" + scoped, type, [("gracePeriodSeconds", "integer", "Time to end in seconds."), ("propagationPolicy", "string", "Background, Foreground or Orphan."), ("dryRun", "string", "All: write nothing.")], false));
        if (!resource.Kind.HasStatus) return;
        Put(one + "/status", "get", Operation(resource, "get", $"read{scoped}Status", type, [], false));
        Put(one + "/status", "put", Operation(resource, "put", $"replace{scoped}Status", type, Writes, true));
        Put(one + "/status", "patch", Operation(resource, "patch", $"patch{scoped}Status", type, Writes, true));
    }

    private void Put(string path, string method, JsonObject operation)
    {
        if (!_paths.TryGetValue(path, out var item))
        {
            _paths[path] = item = [];
            var parameters = new JsonArray();
            foreach (var name in (string[])["name", "namespace"])
                if (path.Contains($"{{{name}}}", StringComparison.Ordinal))
                    parameters.Add((JsonNode)Parameter(name, "path", "string", name == "name" ? "Name of the object." : "Namespace of the object.", true));
            if (parameters.Count > 0) item["parameters"] = parameters;
        }
        item[method] = operation;
    }

    private JsonObject Operation(ServedResource resource, string action, string verb, JsonObject type, (string Name, string Type, string Words)[] queries, bool body)
    {
        var parameters = queries.Select(query => Parameter(query.Name, "query", query.Type, query.Words, false)).ToJsonArray();
        var answer = new JsonObject { ["description"] = "OK" };
        if (second) answer["schema"] = type.DeepClone();
        else answer["content"] = Content(type, "application/json");
        var group = string.Concat((resource.Group.Length == 0 ? "core" : resource.Group.Split('.')[0]).Select((c, i) => i == 0 ? char.ToUpperInvariant(c) : c));
        var operation = new JsonObject
        {
            ["operationId"] = $"{verb}_{group}_{resource.Version}_{resource.Kind.Kind}", ["parameters"] = parameters,
            ["responses"] = new JsonObject { ["200"] = answer },
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = new JsonObject { ["group"] = resource.Group, ["kind"] = resource.Kind.Kind, ["version"] = resource.Version },
        };
        if (!body) return operation;
        if (second) parameters.Add((JsonNode)new JsonObject { ["name"] = "body", ["in"] = "body", ["required"] = true, ["schema"] = action == "patch" ? new JsonObject { ["type"] = "object" } : type.DeepClone() });
        else operation["requestBody"] = new JsonObject { ["content"] = Content(action == "patch" ? new JsonObject { ["type"] = "object" } : type, action == "patch" ? "application/merge-patch+json" : "application/json"), ["required"] = true };
        return operation;
    }

    private JsonObject Parameter(string name, string place, string type, string words, bool required)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = place, ["description"] = words };
        if (required) parameter["required"] = true;
        if (second) parameter["type"] = type;
        else parameter["schema"] = new JsonObject { ["type"] = type };
        return parameter;
    }

    private static JsonObject Content(JsonObject type, string media) => new() { [media] = new JsonObject { ["schema"] = type.DeepClone() } };
}
