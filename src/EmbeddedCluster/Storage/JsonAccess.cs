using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Storage;

/// <summary>Reading and writing of fields by path. A field of another type reads as absent, so that no stored object can make a reader fail.</summary>
internal static class JsonAccess
{
    private static readonly JsonElement Nothing = default;

    /// <summary>The text at a path, null when absent.</summary>
    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        At(node, path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>The whole number at a path, null when absent.</summary>
    public static long? Whole(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) is not JsonValue value ? null
        : value.TryGetValue<long>(out var number) ? number : value.TryGetValue<int>(out var small) ? small : null;

    /// <summary>The truth value at a path, false when absent.</summary>
    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        At(node, path) is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    /// <summary>The object at a path, null when absent.</summary>
    public static JsonObject? Child(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) as JsonObject;

    /// <summary>The objects of the list at a path.</summary>
    public static IEnumerable<JsonObject> Items(this JsonNode? node, params ReadOnlySpan<string> path) =>
        At(node, path) is JsonArray array ? array.OfType<JsonObject>() : [];

    /// <summary>The texts of the list at a path.</summary>
    public static IEnumerable<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path) =>
        At(node, path) is JsonArray array ? array.Select(item => item.Text()).OfType<string>() : [];

    /// <summary>The value at a path, null when absent.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node is not JsonObject map || !map.TryGetPropertyValue(name, out node)) return null;
        }
        return node;
    }

    /// <summary>The object at a path, made when absent or of another type.</summary>
    public static JsonObject Ensure(this JsonObject node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node[name] is not JsonObject child) node[name] = child = [];
            node = child;
        }
        return node;
    }

    /// <summary>The list of a field, made when absent or of another type.</summary>
    public static JsonArray EnsureList(this JsonObject node, string name)
    {
        if (node[name] is not JsonArray list) node[name] = list = [];
        return list;
    }

    /// <summary>Sets a field that is absent or null.</summary>
    public static void SetDefault(this JsonObject node, string name, JsonNode value)
    {
        if (node[name] is null) node[name] = value;
    }

    /// <summary>Sets a field to a value, or removes it for null.</summary>
    public static void SetOrRemove(this JsonObject node, string name, JsonNode? value)
    {
        if (value is null) node.Remove(name);
        else node[name] = value;
    }

    /// <summary>A list of texts.</summary>
    public static JsonArray ToJsonArray(this IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    /// <summary>A list of objects.</summary>
    public static JsonArray ToJsonArray(this IEnumerable<JsonObject> items) => new([.. items]);

    /// <summary>The value at a path; its kind is Undefined when absent.</summary>
    public static JsonElement At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return Nothing;
        }
        return element;
    }

    /// <summary>The text at a path, null when absent.</summary>
    public static string? Text(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>The whole number at a path, null when absent.</summary>
    public static long? Whole(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
    }

    /// <summary>The truth value at a path, false when absent.</summary>
    public static bool Flag(this JsonElement element, params ReadOnlySpan<string> path) => element.At(path).ValueKind == JsonValueKind.True;

    /// <summary>Whether there is a value other than null at a path.</summary>
    public static bool Has(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The items of the list at a path.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];
    }

    /// <summary>The fields of the object at a path.</summary>
    public static IEnumerable<JsonProperty> Fields(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : [];
    }
}
