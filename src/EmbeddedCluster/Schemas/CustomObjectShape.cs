using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>Pruning and defaulting of custom resources along their structural schema.</summary>
internal static class CustomObjectShape
{
    /// <summary>Removes what the schema does not name.</summary>
    /// <param name="value">The object, changed in place.</param>
    /// <param name="type">Its type.</param>
    /// <param name="unknown">Takes the path of each field that was removed.</param>
    public static void Prune(JsonObject value, TypeSchema type, List<string> unknown) => PruneValue(value, type, "", unknown);

    /// <summary>Sets the defaults of absent fields, and of null ones that may not be null.</summary>
    public static void Default(JsonNode? value, TypeSchema type)
    {
        switch (value)
        {
            case JsonObject map when type.Kind == SchemaKind.Map:
                foreach (var (_, child) in map) Default(child, type.Element!);
                break;
            case JsonObject map:
                foreach (var (name, field) in type.Fields)
                {
                    var present = map.TryGetPropertyValue(name, out var child);
                    if (field.Type.Default is { } initial && (!present || (child is null && !field.Type.Nullable)))
                        map[name] = child = initial.DeepClone();
                    else if (present && child is null && !field.Type.Nullable && !type.KeepsUnknown)
                        map.Remove(name);
                    if (child is not null) Default(child, field.Type);
                }
                break;
            case JsonArray array when type.Element is { } element:
                foreach (var item in array) Default(item, element);
                break;
        }
    }

    private static void PruneValue(JsonNode? value, TypeSchema type, string path, List<string> unknown)
    {
        switch (value)
        {
            case JsonObject map when type.Kind == SchemaKind.Map:
                foreach (var (name, child) in map) PruneValue(child, type.Element!, $"{path}.{name}", unknown);
                break;
            case JsonObject map when type.Kind == SchemaKind.Object:
                PruneObject(map, type, path, unknown);
                break;
            case JsonArray array when type.Element is { } element:
                for (var i = 0; i < array.Count; i++) PruneValue(array[i], element, $"{path}[{i}]", unknown);
                break;
        }
    }

    private static void PruneObject(JsonObject map, TypeSchema type, string path, List<string> unknown)
    {
        List<string>? dropped = null;
        foreach (var (name, child) in map)
        {
            var childPath = path.Length == 0 ? name : $"{path}.{name}";
            if (type.Fields.TryGetValue(name, out var field))
            {
                // metadata has a schema of its own and is checked by the object's decoder.
                if (path.Length > 0 || name != "metadata") PruneValue(child, field.Type, childPath, unknown);
            }
            else if (!type.KeepsUnknown && !(type.Embedded && name is "apiVersion" or "kind" or "metadata"))
            {
                unknown.Add(childPath);
                (dropped ??= []).Add(name);
            }
        }
        if (dropped is not null) foreach (var name in dropped) map.Remove(name);
    }
}
