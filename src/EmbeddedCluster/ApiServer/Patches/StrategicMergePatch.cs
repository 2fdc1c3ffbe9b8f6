using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Patches;

/// <summary>
/// Kubernetes' strategic merge patch: a merge patch whose lists merge by key where the type says so, with the directives $patch,
/// $retainKeys, $setElementOrder and $deleteFromPrimitiveList. Pure.
/// </summary>
internal static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string Order = "$setElementOrder/";
    private const string DeleteValues = "$deleteFromPrimitiveList/";

    /// <summary>Applies a patch; the document is changed in place.</summary>
    /// <exception cref="ApiException">The patch is malformed.</exception>
    public static JsonObject Apply(JsonObject document, JsonObject patch, TypeSchema type)
    {
        switch (patch.Text(Directive))
        {
            case "replace": return Clean(patch);
            case "delete": return [];
            case null or "merge": break;
            case var other: throw ApiException.BadRequest($"Unknown patch type found: {other}");
        }
        if (patch[RetainKeys] is JsonArray)
        {
            var retained = patch.Texts(RetainKeys).ToHashSet();
            foreach (var name in document.Select(pair => pair.Key).Where(name => !retained.Contains(name)).ToArray()) document.Remove(name);
        }
        foreach (var (name, change) in patch)
        {
            if (name.StartsWith(DeleteValues, StringComparison.Ordinal)) RemoveValues(document, name[DeleteValues.Length..], change);
            else if (!name.StartsWith('$')) ApplyField(document, name, change, FieldType(type, name), patch[Order + name] as JsonArray);
        }
        // An order may stand alone, when only positions change.
        foreach (var (name, order) in patch)
        {
            if (!name.StartsWith(Order, StringComparison.Ordinal) || patch.ContainsKey(name[Order.Length..])) continue;
            if (document[name[Order.Length..]] is JsonArray list && order is JsonArray wanted)
                Reorder(list, wanted, FieldType(type, name[Order.Length..])?.MergeKey, [.. list]);
        }
        return document;
    }

    private static void ApplyField(JsonObject document, string name, JsonNode? change, TypeSchema? type, JsonArray? order)
    {
        switch (change)
        {
            case null:
                document.Remove(name);
                break;
            case JsonObject changes when document[name] is JsonObject current:
                var merged = Apply(current, changes, type ?? TypeSchema.AnyValue);
                if (!ReferenceEquals(merged, current)) document[name] = merged;
                break;
            case JsonObject changes:
                if (changes.Text(Directive) != "delete") document[name] = Clean(changes);
                break;
            case JsonArray changes when type is { Kind: SchemaKind.Array, MergesValues: true } && document[name] is JsonArray current:
                JsonNode?[] before = [.. current];
                if (type.MergeKey is { } key) document[name] = current = MergeItems(current, changes, key, type.Element!);
                else MergeValues(current, changes);
                // Without a wanted order the patch's own counts: what is new comes before what is there.
                if (order is not null) Reorder(current, order, type.MergeKey, before);
                else if (type.MergeKey is not null) Reorder(current, changes, type.MergeKey, before);
                break;
            case JsonArray changes:
                document[name] = new JsonArray([.. changes.Where(item => item is not JsonObject map || map.Text(Directive) is null)
                    .Select(item => item is JsonObject map ? Clean(map) : item?.DeepClone())]);
                break;
            default:
                document[name] = change.DeepClone();
                break;
        }
    }

    private static JsonArray MergeItems(JsonArray current, JsonArray changes, string key, TypeSchema element)
    {
        if (changes.Any(item => item is JsonObject map && map.Text(Directive) == "replace" && !map.ContainsKey(key)))
            return new JsonArray([.. changes.OfType<JsonObject>().Where(map => map.ContainsKey(key)).Select(Clean)]);
        foreach (var item in changes)
        {
            if (item is not JsonObject change) throw ApiException.BadRequest("invalid JSON document: a list of objects is patched by objects");
            if (change[key] is not { } identity) throw ApiException.BadRequest($"map: {change.ToJsonString()} does not contain declared merge key: {key}");
            var at = IndexOf(current, key, identity);
            if (change.Text(Directive) == "delete")
            {
                for (; at >= 0; at = IndexOf(current, key, identity)) current.RemoveAt(at);
            }
            else if (at < 0)
            {
                current.Add(Clean(change));
            }
            else
            {
                var existing = (JsonObject)current[at]!;
                var merged = Apply(existing, change, element);
                if (!ReferenceEquals(existing, merged)) current[at] = merged;
            }
        }
        return current;
    }

    private static void MergeValues(JsonArray current, JsonArray changes)
    {
        foreach (var value in changes)
            if (!current.Any(existing => JsonNode.DeepEquals(existing, value))) current.Add(value?.DeepClone());
    }

    private static void RemoveValues(JsonObject document, string name, JsonNode? values)
    {
        if (document[name] is not JsonArray list || values is not JsonArray gone) return;
        foreach (var existing in list.Where(existing => gone.Any(value => JsonNode.DeepEquals(existing, value))).ToArray()) list.Remove(existing);
        if (list.Count == 0) document.Remove(name);
    }

    /// <summary>Sorts by the wanted order; items that only the server has keep their place relative to their old neighbours.</summary>
    private static void Reorder(JsonArray list, JsonArray wanted, string? key, JsonNode?[] before)
    {
        JsonNode? Identity(JsonNode? item) => key is null ? item : item is JsonObject map ? map[key] : null;
        int Place(IEnumerable<JsonNode?> order, JsonNode? item)
        {
            var at = 0;
            foreach (var entry in order)
            {
                if (JsonNode.DeepEquals(Identity(entry), Identity(item))) return at;
                at++;
            }
            return -1;
        }
        var items = list.ToArray();
        var ours = new Queue<JsonNode?>(items.Where(item => Place(wanted, item) >= 0).OrderBy(item => Place(wanted, item)));
        var theirs = new Queue<JsonNode?>(items.Where(item => Place(wanted, item) < 0));
        list.Clear();
        while (ours.Count + theirs.Count > 0)
        {
            var first = theirs.Count == 0 || (ours.Count > 0 && (Place(before, ours.Peek()) is var place && (place < 0 || place < Place(before, theirs.Peek()))));
            list.Add((first ? ours : theirs).Dequeue());
        }
    }

    private static int IndexOf(JsonArray list, string key, JsonNode identity)
    {
        for (var i = 0; i < list.Count; i++)
            if (list[i] is JsonObject item && JsonNode.DeepEquals(item[key], identity)) return i;
        return -1;
    }

    /// <summary>A copy without directives and nulls: what a patch means where nothing was before.</summary>
    private static JsonObject Clean(JsonObject patch)
    {
        var result = new JsonObject();
        foreach (var (name, value) in patch)
        {
            if (name.StartsWith('$') || value is null) continue;
            result[name] = value switch
            {
                JsonObject map => Clean(map),
                JsonArray list => new JsonArray([.. list.Where(item => item is not JsonObject map || map.Text(Directive) is null)
                    .Select(item => item is JsonObject map ? Clean(map) : item?.DeepClone())]),
                _ => value.DeepClone(),
            };
        }
        return result;
    }

    private static TypeSchema? FieldType(TypeSchema type, string name) =>
        type.Kind == SchemaKind.Map ? type.Element : type.Fields.GetValueOrDefault(name)?.Type;
}
