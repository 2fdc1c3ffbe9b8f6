using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Storage;

/// <summary>One revision of one object as it is stored. Immutable, any thread.</summary>
public sealed class StoredObject
{
    private byte[]? _bytes;
    private object? _root;

    /// <summary>Wraps the JSON text of an object, whose metadata.resourceVersion is already <paramref name="revision"/>.</summary>
    public StoredObject(ObjectKey key, long revision, byte[] json)
    {
        Key = key;
        Revision = revision;
        _bytes = json;
        Length = json.Length;
    }

    /// <summary>Which object this is.</summary>
    public ObjectKey Key { get; }

    /// <summary>The revision that wrote it: its resourceVersion.</summary>
    public long Revision { get; }

    /// <summary>Bytes of its JSON text.</summary>
    public int Length { get; }

    /// <summary>The JSON text, UTF-8.</summary>
    public ReadOnlySpan<byte> Json
    {
        get
        {
            if (Volatile.Read(ref _root) is JsonElement parsed) return JsonMarshal.GetRawUtf8Value(parsed);
            var bytes = Volatile.Read(ref _bytes);
            return bytes ?? JsonMarshal.GetRawUtf8Value((JsonElement)_root!);
        }
    }

    /// <summary>The parsed object, read-only; parsed at the first use and kept.</summary>
    public JsonElement Root
    {
        get
        {
            if (Volatile.Read(ref _root) is JsonElement parsed) return parsed;
            // The element holds a copy of the text, so the bytes need not be kept twice.
            var root = JsonElement.Parse(Json, JsonText.ReadOptions);
            Volatile.Write(ref _root, root);
            Volatile.Write(ref _bytes, null);
            return root;
        }
    }

    /// <summary>A copy of its own that the caller may change.</summary>
    public JsonObject Copy() => (JsonObject)JsonText.Parse(Json)!;
}

/// <summary>What a write did to an object.</summary>
public enum ChangeType
{
    /// <summary>The object did not exist before.</summary>
    Added,

    /// <summary>The object existed and was replaced.</summary>
    Modified,

    /// <summary>The object was removed.</summary>
    Deleted,
}

/// <summary>One committed write. Immutable.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Object">The new state; for a removal the last state, stamped with the revision of the removal.</param>
/// <param name="Previous">The state before, null for an addition.</param>
public sealed record StoredChange(ChangeType Type, StoredObject Object, StoredObject? Previous)
{
    /// <summary>The revision of this write.</summary>
    public long Revision => Object.Revision;
}
