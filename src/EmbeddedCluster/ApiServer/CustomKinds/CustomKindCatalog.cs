using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.CustomKinds;

/// <summary>Serves what the CustomResourceDefinitions in the store define; brought up to date after each write of one. Any thread.</summary>
internal sealed class CustomKindCatalog(ObjectStore store, ResourceRegistry registry)
{
    /// <summary>Storage name of CustomResourceDefinitions.</summary>
    public const string Resource = "customresourcedefinitions.apiextensions.k8s.io";

    private readonly Lock _gate = new();
    private Dictionary<string, (long Revision, ServedResource[] Served)> _compiled = [];

    /// <summary>Reads the definitions again; those that did not change are not compiled again.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            var compiled = new Dictionary<string, (long, ServedResource[])>();
            foreach (var definition in store.List(Resource).Items)
                compiled[definition.Key.Name] = _compiled.TryGetValue(definition.Key.Name, out var known) && known.Revision == definition.Revision
                    ? known : (definition.Revision, [.. Compile(definition)]);
            _compiled = compiled;
            registry.SetCustom(compiled.Values.SelectMany(entry => entry.Item2));
        }
    }

    private static IEnumerable<ServedResource> Compile(StoredObject definition)
    {
        var root = definition.Root;
        var versions = root.Items("spec", "versions").ToArray();
        var storage = versions.FirstOrDefault(version => version.Flag("storage")).Text("name");
        if (storage is null || !root.Items("status", "conditions").Any(condition => condition.Text("type") == "Established" && condition.Text("status") == "True")) yield break;
        var names = root.At("status", "acceptedNames");
        var kind = new ResourceKind
        {
            Group = root.Text("spec", "group") ?? "", Plural = names.Text("plural") ?? "", Kind = names.Text("kind") ?? "", Namespaced = root.Text("spec", "scope") == "Namespaced",
            StorageVersion = storage, Rules = KindRules.None, TracksGeneration = true, IsCustom = true, HasStatus = versions.Any(version => version.Has("subresources", "status")),
        };
        foreach (var version in versions.Where(version => version.Flag("served"))) yield return Served(root, names, kind, version);
    }

    private static ServedResource Served(JsonElement root, JsonElement names, ResourceKind kind, JsonElement version)
    {
        var name = version.Text("name") ?? "";
        var schema = version.Has("schema", "openAPIV3Schema") ? JsonText.Copy(version.At("schema", "openAPIV3Schema")) as JsonObject : null;
        var apiVersion = $"{kind.Group}/{name}";
        return new ServedResource
        {
            Kind = kind, Group = kind.Group, Version = name, Singular = names.Text("singular") ?? "", ListKind = names.Text("listKind") ?? kind.Kind + "List",
            Schema = CustomSchemaReader.ReadRoot(schema, root.Flag("spec", "preserveUnknownFields"), TypeCatalog.Instance["meta.v1.ObjectMeta"]),
            SchemaRevision = root.Text("metadata", "uid") + root.Whole("metadata", "generation"),
            ShortNames = Texts(names.Items("shortNames")), Categories = Texts(names.Items("categories")),
            Columns = Columns(version), Scale = Scale(version),
            SelectableFields = [.. version.Items("selectableFields").Select(field => field.Text("jsonPath")?.TrimStart('.') ?? "")],
            Deprecation = version.Flag("deprecated") ? version.Text("deprecationWarning") ?? $"{apiVersion} {kind.Kind} is deprecated" : null,
        };
    }

    private static PrinterColumn[] Columns(JsonElement version)
    {
        var columns = version.Items("additionalPrinterColumns").Select(column => new PrinterColumn(column.Text("name") ?? "", column.Text("type") ?? "string", column.Text("format") ?? "",
            column.Text("description") ?? "", (int)(column.Whole("priority") ?? 0), column.Text("jsonPath") ?? "")).ToArray();
        return columns.Length > 0 ? columns : [new PrinterColumn("Age", "date", "", "Time since the object was made.", 0, ".metadata.creationTimestamp")];
    }

    private static ScalePaths? Scale(JsonElement version)
    {
        var scale = version.At("subresources", "scale");
        if (scale.ValueKind != JsonValueKind.Object) return null;
        return new ScalePaths(Plain(scale.Text("specReplicasPath")) ?? "spec.replicas", Plain(scale.Text("statusReplicasPath")) ?? "status.replicas", Plain(scale.Text("labelSelectorPath")));
    }

    private static string? Plain(string? path) => string.IsNullOrEmpty(path) ? null : path.TrimStart('.');

    private static string[] Texts(IEnumerable<JsonElement> items) => [.. items.Select(item => item.GetString() ?? "")];
}
