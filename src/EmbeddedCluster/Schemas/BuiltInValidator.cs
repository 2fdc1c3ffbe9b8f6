using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>Required fields and enumerated values of the built-in kinds, from their types. Status and metadata are not looked at.</summary>
internal static class BuiltInValidator
{
    public static void Validate(JsonObject value, TypeSchema type, FieldProblems problems) => Walk(value, type, "", problems);

    private static void Walk(JsonObject value, TypeSchema type, string path, FieldProblems problems)
    {
        foreach (var (name, field) in type.Fields)
        {
            if (path.Length == 0 && name is "metadata" or "status" or "apiVersion" or "kind") continue;
            var here = path.Length == 0 ? name : $"{path}.{name}";
            var child = value[name];
            if (field.Required && IsMissing(child, field.Type)) problems.Required(here);
            else if (child is not null) Check(child, field.Type, here, problems);
        }
    }

    private static void Check(JsonNode value, TypeSchema type, string path, FieldProblems problems)
    {
        switch (value)
        {
            case JsonObject map when type.Kind == SchemaKind.Object:
                Walk(map, type, path, problems);
                break;
            case JsonObject map when type.Kind == SchemaKind.Map:
                foreach (var (name, child) in map)
                    if (child is not null) Check(child, type.Element!, $"{path}[{name}]", problems);
                break;
            case JsonArray list when type.Element is { } element:
                for (var i = 0; i < list.Count; i++)
                    if (list[i] is { } item) Check(item, element, $"{path}[{i}]", problems);
                break;
            default:
                if (type.Allowed is { } allowed && value.Text() is { } text && !allowed.Contains(text)) problems.NotSupported(path, text, allowed);
                break;
        }
    }

    /// <summary>Absent lists and truth values stand for empty and false; everything else that is required must be there.</summary>
    private static bool IsMissing(JsonNode? value, TypeSchema type) => type.Kind switch
    {
        SchemaKind.Array or SchemaKind.Map or SchemaKind.Boolean or SchemaKind.Int64 or SchemaKind.Any or SchemaKind.Time or SchemaKind.MicroTime => false,
        SchemaKind.String => string.IsNullOrEmpty(value.Text()),
        _ => value is null,
    };
}
