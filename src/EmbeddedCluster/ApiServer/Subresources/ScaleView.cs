using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Subresources;

/// <summary>The scale subresource: an object's number of replicas seen as an autoscaling/v1 Scale. Pure.</summary>
internal static class ScaleView
{
    public static TypeSchema Schema => TypeCatalog.Instance["autoscaling.v1.Scale"];

    /// <summary>The Scale of an object of the served version.</summary>
    public static JsonObject Of(JsonObject value, ServedResource resource)
    {
        var paths = resource.Scale!;
        var metadata = new JsonObject();
        foreach (var name in (string[])["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            if (value.At("metadata", name) is { } part) metadata[name] = part.DeepClone();
        var spec = new JsonObject();
        if (value.Whole(paths.SpecReplicas.Split('.')) is { } replicas) spec["replicas"] = replicas;
        var status = new JsonObject { ["replicas"] = value.Whole(paths.StatusReplicas.Split('.')) ?? 0 };
        if (Selector(value, paths) is { Length: > 0 } selector) status["selector"] = selector;
        return new JsonObject { ["kind"] = "Scale", ["apiVersion"] = "autoscaling/v1", ["metadata"] = metadata, ["spec"] = spec, ["status"] = status };
    }

    /// <summary>Puts the replicas of a Scale into the object that it was made of, and its revision when it names one.</summary>
    /// <exception cref="ApiException">The number is negative.</exception>
    public static void Apply(JsonObject scale, JsonObject value, ServedResource resource)
    {
        var replicas = scale.Whole("spec", "replicas") ?? 0;
        if (replicas < 0)
        {
            var problems = new FieldProblems();
            problems.Invalid("spec.replicas", replicas, "must be greater than or equal to 0");
            throw ApiException.Invalid("autoscaling", "Scale", value.Text("metadata", "name") ?? "", problems.All);
        }
        var path = resource.Scale!.SpecReplicas.Split('.');
        value.Ensure(path.AsSpan(0, path.Length - 1))[path[^1]] = replicas;
        value.Ensure("metadata").SetOrRemove("resourceVersion", scale.At("metadata", "resourceVersion")?.DeepClone());
    }

    private static string? Selector(JsonObject value, ScalePaths paths)
    {
        if (paths.Selector is { } path) return value.Text(path.Split('.'));
        return value.At("spec", "selector") switch
        {
            JsonObject selector when selector.ContainsKey("matchLabels") || selector.ContainsKey("matchExpressions") => LabelSelector.FromObject(selector).ToString(),
            JsonObject map => string.Join(',', map.Select(pair => $"{pair.Key}={pair.Value.Text()}")),
            _ => null,
        };
    }
}
