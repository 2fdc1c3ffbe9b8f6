using System.Collections;

namespace Lateen.Rpc;

/// <summary>
/// Headers or trailers of a call: names in lower case, values as text; a value whose name ends in <c>-bin</c> is Base64 on the
/// wire. Source: grpc/grpc doc/PROTOCOL-HTTP2.md. Owned by one call.
/// </summary>
public sealed class RpcMetadata : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _entries = [];

    /// <summary>Number of entries.</summary>
    public int Count => _entries.Count;

    /// <summary>The last value of a name, or null.</summary>
    public string? this[string name]
    {
        get
        {
            for (var i = _entries.Count - 1; i >= 0; i--)
                if (string.Equals(_entries[i].Key, name, StringComparison.OrdinalIgnoreCase))
                    return _entries[i].Value;
            return null;
        }
    }

    /// <summary>Adds a value; those of the same name stay.</summary>
    public void Add(string name, string value) => _entries.Add(KeyValuePair.Create(name.ToLowerInvariant(), value));

    /// <summary>Adds a binary value; the name must end in <c>-bin</c>.</summary>
    public void Add(string name, ReadOnlySpan<byte> value) => Add(name, Convert.ToBase64String(value));

    /// <summary>The bytes of a binary value; null when it is absent or not Base64 (with or without padding).</summary>
    public byte[]? GetBytes(string name)
    {
        if (this[name] is not { } text) return null;
        text = text.Split(',')[^1].Trim();
        var room = new byte[text.Length];
        return Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), room, out var length) ? room[..length] : null;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Whether a header belongs to the protocol rather than to the application.</summary>
    internal static bool IsReserved(string name) =>
        name.StartsWith(':') || name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase) && !name.EndsWith("-bin", StringComparison.OrdinalIgnoreCase)
        || name.Equals("te", StringComparison.OrdinalIgnoreCase) || name.Equals("content-type", StringComparison.OrdinalIgnoreCase);
}
