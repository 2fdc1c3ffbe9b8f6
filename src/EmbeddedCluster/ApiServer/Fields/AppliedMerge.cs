using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;

namespace Lateen.EmbeddedCluster.ApiServer.Fields;

/// <summary>Puts an applied configuration over a live object, and takes away what is no longer applied. Pure.</summary>
internal static class AppliedMerge
{
    /// <summary>The live value with every field of the configuration.</summary>
    public static JsonNode? Merge(JsonNode? live, JsonNode? applied, TypeSchema type)
    {
        if (live is null) return applied?.DeepClone();
        if (FieldPaths.IsGranularMap(live, type) && FieldPaths.IsGranularMap(applied, type))
        {
            var result = (JsonObject)live.DeepClone();
            foreach (var (name, value) in (JsonObject)applied!) result[name] = Merge(result[name], value, FieldPaths.FieldType(type, name));
            return result;
        }
        if (FieldPaths.IsKeyedList(live, type) && FieldPaths.IsKeyedList(applied, type))
        {
            var result = (JsonArray)live.DeepClone();
            foreach (var item in (JsonArray)applied!)
            {
                var element = FieldPaths.ElementOf(item, type);
                var at = -1;
                for (var i = 0; i < result.Count && at < 0; i++)
                    if (FieldPaths.ElementOf(result[i], type) == element) at = i;
                if (at < 0) result.Add(item?.DeepClone());
                else if (item is JsonObject) result[at] = Merge(result[at], item, type.Element!);
            }
            return result;
        }
        return applied?.DeepClone();
    }

    /// <summary>Removes fields, in place, but for what somebody keeps.</summary>
    public static void Prune(JsonNode? value, TypeSchema type, FieldSet gone, FieldSet kept)
    {
        switch (value)
        {
            case JsonObject map:
                foreach (var (element, below) in gone.Children)
                {
                    if (!element.StartsWith("f:", StringComparison.Ordinal) || !map.TryGetPropertyValue(element[2..], out var child)) continue;
                    var name = element[2..];
                    var keepers = kept[element];
                    if (below.IsMember && keepers is null) map.Remove(name);
                    else Prune(child, FieldPaths.FieldType(type, name), below, keepers ?? new FieldSet());
                    // A container that is left empty by this was only there for what stood in it.
                    if (keepers is null && map[name] is JsonObject { Count: 0 } or JsonArray { Count: 0 }) map.Remove(name);
                }
                break;
            case JsonArray list when type.Kind == SchemaKind.Array:
                for (var i = list.Count - 1; i >= 0; i--)
                {
                    if (FieldPaths.ElementOf(list[i], type) is not { } element || gone[element] is not { } below) continue;
                    if (below.IsMember && kept[element] is null) list.RemoveAt(i);
                    else Prune(list[i], type.Element!, below, kept[element] ?? new FieldSet());
                }
                break;
        }
    }
}
