using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Security;

/// <summary>Where keys for tokens come from, and key sets written inline (RFC 7517).</summary>
internal static class KeySets
{
    public static string? CheckUri(string uri)
    {
        var colon = uri.IndexOf(':', StringComparison.Ordinal);
        var scheme = colon < 0 ? "" : uri[..colon].ToLowerInvariant();
        if (scheme is not ("http" or "https")) return $"URI scheme {GoText.Quote(scheme)} is not supported";
        foreach (var c in uri)
            if (c is < ' ' or '\u007f')
                return $"parse {GoText.Quote(uri)}: net/url: invalid control character in URL";
        return Uri.TryCreate(uri, UriKind.Absolute, out _) ? null : $"parse {GoText.Quote(uri)}: invalid URL";
    }

    /// <summary>Null or the problem; and which keys hold more than the public half.</summary>
    public static string? Check(string text, out IReadOnlyList<int> privateKeys)
    {
        var found = new List<int>();
        privateKeys = found;
        JsonObject? tree;
        try
        {
            tree = JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException e)
        {
            return $"jwks parse error: failed to unmarshal JWK: {e.Message}";
        }
        if (tree is null) return "jwks parse error: failed to unmarshal JWK: it is not an object";
        JsonNode?[] keys = tree["keys"] is JsonArray list ? [.. list] : [tree];
        for (var i = 0; i < keys.Length; i++)
        {
            if (CheckKey(keys[i] as JsonObject, out var isPrivate) is { } problem) return $"jwks parse error: failed to unmarshal key {i}: {problem}";
            if (isPrivate) found.Add(i);
        }
        return null;
    }

    private static string? CheckKey(JsonObject? key, out bool isPrivate)
    {
        isPrivate = false;
        if (key is null) return "it is not an object";
        var type = Text(key, "kty");
        string[] needed = type switch
        {
            "RSA" => ["n", "e"],
            "EC" => ["crv", "x", "y"],
            "OKP" => ["crv", "x"],
            "oct" => ["k"],
            _ => [],
        };
        if (needed.Length == 0) return $"invalid key type from JSON ({type})";
        isPrivate = type == "oct" || key["d"] is not null;
        foreach (var name in needed)
        {
            var value = Text(key, name);
            if (value.Length == 0) return $"required field {name} is missing";
            if (name != "crv" && !IsBase64Url(value)) return $"failed to decode {name}";
        }
        return null;
    }

    private static string Text(JsonObject tree, string name) => tree[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static bool IsBase64Url(string text) => text.TrimEnd('=').All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '+' or '/');
}
