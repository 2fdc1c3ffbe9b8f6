using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Schemas.Expressions;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.CustomKinds;

/// <summary>What the schema of a definition must obey: structural, and made of things that can be compiled.</summary>
internal static class SchemaChecks
{
    private const int MaxDepth = 100;

    private static readonly string[] Types = ["array", "boolean", "integer", "number", "object", "string"];

    /// <param name="schema">The schema.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="lenient">Types may be left out: a definition of v1beta1 that keeps unknown fields.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static void Validate(JsonObject schema, string path, bool lenient, FieldProblems problems) => Node(schema, path, lenient, problems, 0);

    /// <summary>The rules of a definition that use more of the expression language than is known here.</summary>
    public static IEnumerable<(string Path, string Problem)> UnevaluatedRules(JsonObject definition)
    {
        var at = 0;
        foreach (var version in definition.Items("spec", "versions"))
        {
            if (version.Child("schema", "openAPIV3Schema") is { } schema)
                foreach (var found in Rules(schema, $"spec.versions[{at}].schema.openAPIV3Schema", 0)) yield return found;
            at++;
        }
    }

    private static IEnumerable<(string Path, string Problem)> Rules(JsonObject schema, string path, int depth)
    {
        if (depth > MaxDepth) yield break;
        var at = 0;
        foreach (var rule in schema.Items("x-kubernetes-validations"))
        {
            if (new CompiledRule(rule.Text("rule") ?? "", null, null, null, null).Problem is { } problem) yield return ($"{path}.x-kubernetes-validations[{at}]", problem);
            at++;
        }
        IEnumerable<(string Name, JsonObject? Child)> children = [("items", schema.Child("items")), ("additionalProperties", schema.Child("additionalProperties")),
            .. (schema.Child("properties") ?? []).Select(pair => ($"properties[{pair.Key}]", pair.Value as JsonObject))];
        foreach (var (name, child) in children)
            if (child is not null)
                foreach (var found in Rules(child, $"{path}.{name}", depth + 1)) yield return found;
    }

    private static void Node(JsonObject schema, string path, bool lenient, FieldProblems problems, int depth)
    {
        if (depth > MaxDepth)
        {
            problems.Forbidden(path, "the schema is nested too deeply");
            return;
        }
        var type = schema.Text("type");
        if (type is not null && !Types.Contains(type)) problems.NotSupported($"{path}.type", type, Types);
        var free = schema.Flag("x-kubernetes-int-or-string") || schema.Flag("x-kubernetes-preserve-unknown-fields");
        if (type is null && !free && !lenient && depth > 0) problems.Required($"{path}.type", "must not be empty for specified object fields");
        if (type == "array" && schema["items"] is not JsonObject && !lenient) problems.Required($"{path}.items", "must be specified");
        if (schema["properties"] is not null && schema["additionalProperties"] is JsonObject) problems.Forbidden($"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive");
        Pattern(schema, path, problems);
        if (schema.Text("x-kubernetes-list-type") == "map" && !schema.Texts("x-kubernetes-list-map-keys").Any())
            problems.Required($"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
        foreach (var (name, property) in schema.Child("properties") ?? [])
            if (property is JsonObject child) Node(child, $"{path}.properties[{name}]", lenient, problems, depth + 1);
        if (schema["items"] is JsonObject items) Node(items, $"{path}.items", lenient, problems, depth + 1);
        if (schema["additionalProperties"] is JsonObject values) Node(values, $"{path}.additionalProperties", lenient, problems, depth + 1);
    }

    private static void Pattern(JsonObject schema, string path, FieldProblems problems)
    {
        if (schema.Text("pattern") is not { } pattern) return;
        try
        {
            CustomSchemaReader.CompilePattern(pattern);
        }
        catch (ArgumentException wrong)
        {
            problems.Invalid($"{path}.pattern", pattern, $"must be a valid regular expression, but isn't: {wrong.Message}");
        }
    }
}
