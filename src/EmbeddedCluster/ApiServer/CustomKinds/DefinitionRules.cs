using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.CustomKinds;

/// <summary>CustomResourceDefinitions: established at once, and held until their objects are gone.</summary>
internal sealed class DefinitionRules : KindRules
{
    /// <summary>Held until every object of the kind is deleted.</summary>
    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        var names = spec.Ensure("names");
        if (names.Text("kind") is { Length: > 0 } kind)
        {
            names.SetDefault("listKind", kind + "List");
            names.SetDefault("singular", kind.ToLowerInvariant());
        }
        spec.Ensure("conversion").SetDefault("strategy", "None");
        foreach (var version in spec.Items("versions"))
            foreach (var column in version.Items("additionalPrinterColumns")) column.SetDefault("priority", 0L);
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
        value["status"] = new JsonObject { ["conditions"] = new JsonArray(), ["storedVersions"] = new JsonArray() };
        Establish(value, context);
        foreach (var (path, problem) in SchemaChecks.UnevaluatedRules(value)) scope.Warn($"{path}: the rule is not evaluated: {problem}");
    }

    public override void PrepareUpdate(JsonObject value, JsonObject old, RuleContext context) => Establish(value, context);

    public override void PrepareDeletion(JsonObject value)
    {
        var finalizers = ObjectMetadata.Of(value).EnsureList("finalizers");
        if (!finalizers.Any(item => item.Text() == CleanupFinalizer)) finalizers.Add(CleanupFinalizer);
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        var spec = value.Ensure("spec");
        var (group, plural) = (spec.Text("group") ?? "", spec.Text("names", "plural") ?? "");
        if (value.Text("metadata", "name") is { Length: > 0 } name && name != $"{plural}.{group}")
            problems.Invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
        if (ObjectNames.Subdomain(group) is { } wrong) problems.Invalid("spec.group", group, wrong);
        else if (!group.Contains('.')) problems.Invalid("spec.group", group, "should be a domain with at least one dot");
        if (ObjectNames.Label1035(plural) is { } bad) problems.Invalid("spec.names.plural", plural, bad);
        if (BuiltInKinds.All.Any(resource => resource.Group == group)) problems.Forbidden("spec.group", "the group belongs to the server");
        if (spec.Text("scope") is { } scope && scope is not ("Namespaced" or "Cluster")) problems.NotSupported("spec.scope", scope, ["Cluster", "Namespaced"]);
        ValidateVersions(spec, problems);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        foreach (var path in (string[][])[["spec", "group"], ["spec", "scope"], ["spec", "names", "plural"], ["spec", "names", "kind"]])
            if (value.Text(path) != old.Text(path)) problems.Invalid(string.Join('.', path), value.Text(path), "field is immutable");
    }

    private static void ValidateVersions(JsonObject spec, FieldProblems problems)
    {
        var versions = spec.Items("versions").ToArray();
        if (versions.Length == 0) problems.Required("spec.versions", "must have at least one version");
        else if (versions.Count(version => version.Flag("storage")) != 1)
            problems.Invalid("spec.versions", versions.Select(version => version.Text("name") ?? "").ToJsonArray(), "must have exactly one version marked as storage version");
        var names = new HashSet<string>();
        for (var i = 0; i < versions.Length; i++)
        {
            var path = $"spec.versions[{i}]";
            var name = versions[i].Text("name") ?? "";
            if (ObjectNames.Label1035(name) is { } wrong) problems.Invalid($"{path}.name", name, wrong);
            if (!names.Add(name)) problems.Invalid("spec.versions", versions.Select(version => version.Text("name") ?? "").ToJsonArray(), "must contain unique version names");
            var schema = versions[i].Child("schema", "openAPIV3Schema");
            var lenient = spec.Flag("preserveUnknownFields");
            if (schema is null)
            {
                if (!lenient) problems.Required($"{path}.schema.openAPIV3Schema");
                continue;
            }
            if (!lenient && schema.Text("type") is null) problems.Required($"{path}.schema.openAPIV3Schema.type", "must not be empty at the root");
            SchemaChecks.Validate(schema, $"{path}.schema.openAPIV3Schema", lenient, problems);
        }
    }

    private static void Establish(JsonObject value, RuleContext context)
    {
        var (spec, status) = (value.Ensure("spec"), value.Ensure("status"));
        status["acceptedNames"] = spec.Ensure("names").DeepClone();
        var stored = status.EnsureList("storedVersions");
        if (spec.Items("versions").FirstOrDefault(version => version.Flag("storage")).Text("name") is { } storage && !stored.Any(item => item.Text() == storage)) stored.Add(storage);
        var now = context.Clock.GetUtcNow();
        Controllers.PodState.SetCondition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
        Controllers.PodState.SetCondition(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
    }
}
