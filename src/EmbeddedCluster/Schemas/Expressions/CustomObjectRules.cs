using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>Evaluates the rules of a custom resource's schema on an object that fits the schema otherwise.</summary>
internal static class CustomObjectRules
{
    /// <summary>Checks a new object, or with its old state a changed one.</summary>
    public static void Validate(JsonObject value, JsonObject? old, TypeSchema type, FieldProblems problems)
    {
        if (!problems.AnyStructural) Walk(value, old, type, "", problems);
        else if (HasRules(type, 0))
            problems.Invalid("<nil>", null, "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");
    }

    private static bool HasRules(TypeSchema type, int depth) => depth < 100
        && (type.Rules?.Expressions.Length > 0 || (type.Element is { } element && HasRules(element, depth + 1))
            || type.Fields.Values.Any(field => field.Name != "metadata" && HasRules(field.Type, depth + 1)));

    private static void Walk(JsonNode? value, JsonNode? old, TypeSchema type, string path, FieldProblems problems)
    {
        if (value is null) return;
        foreach (var rule in type.Rules?.Expressions ?? []) rule.Check(value, old, path, problems);
        switch (value)
        {
            case JsonObject map when type.Kind == SchemaKind.Map:
                foreach (var (name, child) in map) Walk(child, (old as JsonObject)?[name], type.Element!, $"{path}[{name}]", problems);
                break;
            case JsonObject map:
                foreach (var (name, child) in map)
                    if (type.Fields.TryGetValue(name, out var field) && (path.Length > 0 || name != "metadata"))
                        Walk(child, (old as JsonObject)?[name], field.Type, path.Length == 0 ? name : $"{path}.{name}", problems);
                break;
            case JsonArray list when type.Element is { } element:
                for (var i = 0; i < list.Count; i++) Walk(list[i], Former(list[i], old as JsonArray, type), element, $"{path}[{i}]", problems);
                break;
        }
    }

    /// <summary>The old state of a list's item, which only keys tell.</summary>
    private static JsonNode? Former(JsonNode? item, JsonArray? old, TypeSchema type) => old is null || type.ListType != ListType.Map || item is not JsonObject map ? null
        : old.FirstOrDefault(other => other is JsonObject candidate && type.ListKeys.All(key => JsonNode.DeepEquals(candidate[key], map[key])));
}
