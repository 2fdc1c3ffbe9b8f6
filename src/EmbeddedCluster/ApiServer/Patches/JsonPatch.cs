using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Patches;

/// <summary>JSON Patch (RFC 6902). Pure.</summary>
internal static class JsonPatch
{
    /// <summary>More operations than this are refused, as in Kubernetes.</summary>
    private const int MaxOperations = 10000;

    /// <summary>Applies a patch to a document.</summary>
    /// <exception cref="ApiException">The patch is malformed (400) or does not apply (422).</exception>
    public static JsonNode? Apply(JsonNode? document, JsonNode? patch)
    {
        if (patch is not JsonArray operations) throw ApiException.BadRequest("error decoding patch: a JSON patch is a list of operations");
        if (operations.Count > MaxOperations)
            throw new ApiException(413, "RequestEntityTooLarge", $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        foreach (var entry in operations)
        {
            if (entry is not JsonObject operation || operation.Text("op") is not { } op || operation.Text("path") is not { } path)
                throw ApiException.BadRequest("error decoding patch: an operation needs op and path");
            document = ApplyOne(document, op, path, operation);
        }
        return document;
    }

    private static JsonNode? ApplyOne(JsonNode? document, string op, string path, JsonObject operation)
    {
        switch (op)
        {
            case "add": return Add(document, path, operation["value"]?.DeepClone());
            case "remove": return Remove(document, path);
            case "replace":
                if (!TryFind(document, path, out _)) throw Refused($"replace operation does not apply: doc is missing key: {path}");
                return path.Length == 0 ? operation["value"]?.DeepClone() : Set(document, path, operation["value"]?.DeepClone(), insert: false);
            case "test":
                if (!TryFind(document, path, out var found) && operation["value"] is not null || !JsonNode.DeepEquals(found, operation["value"]))
                    throw Refused($"testing value {path} failed");
                return document;
            case "move" or "copy":
                var from = operation.Text("from") ?? throw ApiException.BadRequest($"error decoding patch: {op} needs from");
                if (!TryFind(document, from, out var value)) throw Refused($"{op} operation does not apply: doc is missing key: {from}");
                value = value?.DeepClone();
                if (op == "move") document = Remove(document, from);
                return Add(document, path, value);
            default: throw ApiException.BadRequest($"error decoding patch: Unexpected kind: {op}");
        }
    }

    private static JsonNode? Add(JsonNode? document, string path, JsonNode? value) => path.Length == 0 ? value : Set(document, path, value, insert: true);

    private static JsonNode? Set(JsonNode? document, string path, JsonNode? value, bool insert)
    {
        var (parent, last) = Parent(document, path);
        switch (parent)
        {
            case JsonObject map:
                map[last] = value;
                break;
            case JsonArray list when last == "-" && insert:
                list.Add(value);
                break;
            case JsonArray list:
                var at = Position(last, insert ? list.Count : list.Count - 1, path);
                if (insert) list.Insert(at, value);
                else list[at] = value;
                break;
            default: throw Refused($"add operation does not apply: doc is missing path: \"{path}\": missing value");
        }
        return document;
    }

    private static JsonNode? Remove(JsonNode? document, string path)
    {
        var (parent, last) = Parent(document, path);
        switch (parent)
        {
            case JsonObject map when map.Remove(last): break;
            case JsonArray list:
                list.RemoveAt(Position(last, list.Count - 1, path));
                break;
            default: throw Refused($"remove operation does not apply: doc is missing path: {path}");
        }
        return document;
    }

    private static bool TryFind(JsonNode? document, string path, out JsonNode? found)
    {
        found = document;
        foreach (var part in Parts(path))
        {
            if (found is JsonObject map)
            {
                if (!map.TryGetPropertyValue(part, out found)) return false;
            }
            else if (found is JsonArray list && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at < list.Count)
            {
                found = list[at];
            }
            else
            {
                return false;
            }
        }
        return true;
    }

    private static (JsonNode? Parent, string Last) Parent(JsonNode? document, string path)
    {
        var parts = Parts(path);
        if (parts.Length == 0) throw Refused("the operation does not apply to the whole document");
        foreach (var part in parts.AsSpan(0, parts.Length - 1))
            document = document switch
            {
                JsonObject map => map[part],
                JsonArray list => list[Position(part, list.Count - 1, path)],
                _ => null,
            };
        return (document, parts[^1]);
    }

    private static string[] Parts(string path)
    {
        if (path.Length == 0) return [];
        if (path[0] != '/') throw ApiException.BadRequest($"error decoding patch: \"{path}\" is not a JSON pointer");
        return [.. path[1..].Split('/').Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static int Position(string text, int last, string path) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= last ? at
        : throw Refused($"operation does not apply: Unable to access invalid index: {text} ({path})");

    private static ApiException Refused(string why) => new(422, "Invalid", $"the server rejected our request due to an error in our request: {why}", []);
}
