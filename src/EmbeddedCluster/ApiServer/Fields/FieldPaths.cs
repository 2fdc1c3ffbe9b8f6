using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Fields;

/// <summary>Finds which fields an object has, and in which fields two objects differ. Pure.</summary>
internal static class FieldPaths
{
    /// <summary>Every field of a value.</summary>
    public static FieldSet Of(JsonNode? value, TypeSchema type)
    {
        var set = new FieldSet();
        Collect(value, type, set);
        return set;
    }

    /// <summary>Fields that were added or changed, and fields that are gone.</summary>
    public static (FieldSet Changed, FieldSet Removed) Compare(JsonNode? before, JsonNode? after, TypeSchema type)
    {
        var (changed, removed) = (new FieldSet(), new FieldSet());
        Differ(before, after, type, changed, removed);
        return (changed, removed);
    }

    /// <summary>The path element of a list's item, null where the list is owned as one.</summary>
    public static string? ElementOf(JsonNode? item, TypeSchema list)
    {
        if (list.ListType == ListType.Set) return "v:" + Text(item);
        if (list.ListType != ListType.Map || item is not JsonObject map) return null;
        var keys = new JsonObject();
        foreach (var key in list.ListKeys.Order(StringComparer.Ordinal))
        {
            // The one key that may be left out in what is applied, having a default.
            var part = map[key]?.DeepClone() ?? (key == "protocol" ? "TCP" : null);
            if (part is not null) keys[key] = part;
        }
        return "k:" + Text(keys);
    }

    public static bool IsGranularMap(JsonNode? value, TypeSchema type) =>
        value is JsonObject && !type.AtomicMap && type.Kind is SchemaKind.Object or SchemaKind.Map or SchemaKind.Any;

    public static bool IsKeyedList(JsonNode? value, TypeSchema type) => value is JsonArray && type is { Kind: SchemaKind.Array, ListType: not ListType.Atomic };

    public static TypeSchema FieldType(TypeSchema type, string name) => type.Kind == SchemaKind.Map ? type.Element! : type.Fields.GetValueOrDefault(name)?.Type ?? TypeSchema.AnyValue;

    private static void Collect(JsonNode? value, TypeSchema type, FieldSet set)
    {
        if (IsGranularMap(value, type))
        {
            var map = (JsonObject)value!;
            if (map.Count == 0) set.IsMember = true;
            foreach (var (name, child) in map) Collect(child, FieldType(type, name), set.Child("f:" + name));
        }
        else if (IsKeyedList(value, type))
        {
            foreach (var item in (JsonArray)value!)
            {
                if (ElementOf(item, type) is not { } element) continue;
                var child = set.Child(element);
                child.IsMember = true;
                if (item is JsonObject) CollectItem(item, type, child);
            }
        }
        else
        {
            set.IsMember = true;
        }
    }

    private static void CollectItem(JsonNode item, TypeSchema type, FieldSet set)
    {
        Collect(item, type.Element!, set);
        set.IsMember = true;
    }

    private static void Differ(JsonNode? before, JsonNode? after, TypeSchema type, FieldSet changed, FieldSet removed)
    {
        if (IsGranularMap(before, type) && IsGranularMap(after, type))
        {
            var (one, two) = ((JsonObject)before!, (JsonObject)after!);
            foreach (var (name, child) in two)
            {
                if (!one.ContainsKey(name)) Collect(child, FieldType(type, name), changed.Child("f:" + name));
                else DifferBelow(one[name], child, FieldType(type, name), "f:" + name, changed, removed);
            }
            foreach (var (name, child) in one)
                if (!two.ContainsKey(name)) CollectGone(child, FieldType(type, name), removed.Child("f:" + name));
        }
        else if (IsKeyedList(before, type) && IsKeyedList(after, type))
        {
            var (one, two) = (ByElement((JsonArray)before!, type), ByElement((JsonArray)after!, type));
            foreach (var (element, item) in two)
            {
                if (one.TryGetValue(element, out var old)) DifferBelow(old, item, type.Element!, element, changed, removed);
                else CollectItem(item!, type, changed.Child(element));
            }
            foreach (var (element, item) in one)
                if (!two.ContainsKey(element)) CollectGone(item, type.Element!, removed.Child(element));
        }
        else if (!JsonNode.DeepEquals(before, after))
        {
            if (before is not null) CollectGone(before, type, removed);
            if (after is not null) Collect(after, type, changed);
        }
    }

    private static void DifferBelow(JsonNode? before, JsonNode? after, TypeSchema type, string element, FieldSet changed, FieldSet removed)
    {
        var (below, gone) = (new FieldSet(), new FieldSet());
        Differ(before, after, type, below, gone);
        if (!below.IsEmpty) Graft(changed, element, below);
        // What has a new value is not gone.
        var only = gone.Except(below);
        if (!only.IsEmpty) Graft(removed, element, only);
    }

    private static void Graft(FieldSet target, string element, FieldSet below)
    {
        var child = target.Child(element);
        child.IsMember |= below.IsMember;
        foreach (var (name, set) in below.Children) Graft(child, name, set);
    }

    private static void CollectGone(JsonNode? value, TypeSchema type, FieldSet set)
    {
        Collect(value, type, set);
        set.IsMember = true;
    }

    private static Dictionary<string, JsonNode?> ByElement(JsonArray list, TypeSchema type)
    {
        var result = new Dictionary<string, JsonNode?>();
        foreach (var item in list)
            if (ElementOf(item, type) is { } element) result.TryAdd(element, item);
        return result;
    }

    private static string Text(JsonNode? value) => Encoding.UTF8.GetString(JsonText.ToBytes(value));
}
