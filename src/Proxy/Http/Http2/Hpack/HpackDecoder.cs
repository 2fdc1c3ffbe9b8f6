using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http2.Hpack;

/// <summary>Takes the fields of a header block, one after the other.</summary>
internal interface IFieldSink
{
    /// <summary>One field; the spans are valid during the call only.</summary>
    void OnField(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);
}

/// <summary>
/// Reads header blocks of one direction of a connection. Whatever comes never throws; nothing is allocated once the table has
/// grown. Owned by one connection. Source: RFC 7541.
/// </summary>
/// <param name="largestTable">Size of the dynamic table that was announced to the peer.</param>
/// <param name="scratch">Room for decoded strings, shared by the connections of a worker.</param>
internal sealed class HpackDecoder(int largestTable, ByteBuilder scratch)
{
    private const int LongestString = 1 << 20;
    private readonly DynamicTable _table = new(largestTable);

    /// <summary>Reads a whole block; false for one that is broken, after which the connection cannot go on.</summary>
    public bool TryDecode(ReadOnlySpan<byte> block, IFieldSink sink)
    {
        var mayResize = true;
        while (!block.IsEmpty)
        {
            var first = block[0];
            if (first >= 0x80)
            {
                if (!TryInteger(ref block, 7, out var index) || !TryAt(index, out var known, out var name, out var value)) return false;
                sink.OnField(known, name, value);
            }
            else if (first is >= 0x20 and < 0x40)
            {
                // A change of the size stands at the beginning of a block (section 4.2).
                if (!mayResize || !TryInteger(ref block, 5, out var size) || size > largestTable) return false;
                _table.Resize(size);
                continue;
            }
            else if (!TryLiteral(ref block, first >= 0x40, sink)) return false;
            mayResize = false;
        }
        return true;
    }

    private bool TryLiteral(ref ReadOnlySpan<byte> block, bool isIndexed, IFieldSink sink)
    {
        scratch.Clear();
        if (!TryInteger(ref block, isIndexed ? 6 : 4, out var index)) return false;
        var known = KnownHeader.Unknown;
        ReadOnlySpan<byte> name;
        int nameInScratch;
        if (index > 0)
        {
            if (!TryAt(index, out known, out name, out _)) return false;
            nameInScratch = 0;
            // A name of the dynamic table would move when the field is added to it.
            if (isIndexed && index > StaticTable.Length)
            {
                scratch.Append(name);
                nameInScratch = name.Length;
            }
        }
        else
        {
            if (!TryString(ref block, out name, out nameInScratch)) return false;
            known = KnownHeaders.Find(name);
        }
        if (!TryString(ref block, out var value, out var valueInScratch)) return false;
        // Reading the value may have moved the scratch.
        if (nameInScratch > 0) name = scratch.Span[..nameInScratch];
        if (valueInScratch > 0) value = scratch.Span.Slice(scratch.Length - valueInScratch, valueInScratch);
        sink.OnField(known, name, value);
        if (isIndexed) _table.Add(known, name, value);
        return true;
    }

    private bool TryAt(int index, out KnownHeader known, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        known = KnownHeader.Unknown;
        name = value = default;
        if (index == 0) return false;
        if (index <= StaticTable.Length) StaticTable.At(index, out known, out name, out value);
        else if (index - StaticTable.Length - 1 is var place && place < _table.Count) _table.At(place, out known, out name, out value);
        else return false;
        return true;
    }

    /// <summary>A string as it lies in the block, or decoded behind what is in the scratch.</summary>
    private bool TryString(scoped ref ReadOnlySpan<byte> block, out ReadOnlySpan<byte> text, out int inScratch)
    {
        text = default;
        inScratch = 0;
        if (block.IsEmpty) return false;
        var isCoded = block[0] >= 0x80;
        if (!TryInteger(ref block, 7, out var length) || length > block.Length || length > LongestString) return false;
        text = block[..length];
        block = block[length..];
        if (!isCoded || length == 0) return true;
        var written = HuffmanCode.Decode(text, scratch.Room(HuffmanCode.MostDecoded(length)));
        if (written < 0) return false;
        scratch.Truncate(scratch.Length + written);
        inScratch = written;
        text = scratch.Span[^written..];
        return true;
    }

    /// <summary>An integer with a prefix of some bits (section 5.1); anything past 2^28 is refused.</summary>
    internal static bool TryInteger(ref ReadOnlySpan<byte> block, int prefix, out int value)
    {
        value = 0;
        if (block.IsEmpty) return false;
        var most = (1 << prefix) - 1;
        value = block[0] & most;
        if (value < most)
        {
            block = block[1..];
            return true;
        }
        for (var at = 1; at < block.Length && at <= 4; at++)
        {
            value += (block[at] & 0x7f) << (7 * (at - 1));
            if (block[at] >= 0x80) continue;
            block = block[(at + 1)..];
            return true;
        }
        return false;
    }
}
