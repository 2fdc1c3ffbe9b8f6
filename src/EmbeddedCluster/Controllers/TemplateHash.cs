using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Names revisions of a pod template.</summary>
internal static class TemplateHash
{
    /// <summary>The label that tells the replica sets of a deployment apart.</summary>
    public const string Label = "pod-template-hash";

    private const string Letters = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>Ten letters that depend on the template's content, not on the order of its fields, and on a collision count.</summary>
    public static string Of(JsonNode template, long collisions = 0)
    {
        var text = JsonText.ToBytes(new JsonArray(Canonical(Bare(template)), JsonValue.Create(collisions)));
        var number = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text));
        return string.Create(10, number, (span, rest) =>
        {
            for (var i = 0; i < span.Length; i++, rest /= (ulong)Letters.Length) span[i] = Letters[(int)(rest % (ulong)Letters.Length)];
        });
    }

    /// <summary>Whether two templates are the same but for the label.</summary>
    public static bool Same(JsonNode left, JsonNode right) => JsonNode.DeepEquals(Bare(left), Bare(right));

    private static JsonNode Bare(JsonNode template)
    {
        var copy = template.DeepClone();
        copy.Child("metadata", "labels")?.Remove(Label);
        copy.Child("metadata")?.Remove("creationTimestamp");
        if (copy.Child("metadata") is { Count: 0 }) copy.AsObject().Remove("metadata");
        return copy;
    }

    private static JsonNode? Canonical(JsonNode? value) => value switch
    {
        JsonObject map => new JsonObject(map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, Canonical(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Canonical)]),
        _ => value?.DeepClone(),
    };
}
