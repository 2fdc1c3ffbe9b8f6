using System.Globalization;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http2.Hpack;

/// <summary>
/// Writes header blocks with the static table alone and without Huffman codes: the bytes that a table would save on the wire of a
/// mesh are worth less than the time to look into it. What is secret is marked so that no proxy puts it into a table either.
/// Owned by one connection. Source: RFC 7541 section 6; section 7.1.3 for what is never indexed.
/// </summary>
internal struct HpackEncoder
{
    private bool _sizeOwed;

    /// <summary>The peer has changed the size that it allows; the next block says that the table stays empty.</summary>
    public void OnTableSizeChanged() => _sizeOwed = true;

    /// <summary>Begins a block.</summary>
    public void Begin(ByteBuilder output)
    {
        if (!_sizeOwed) return;
        _sizeOwed = false;
        output.Append((byte)0x20);
    }

    public static void Status(ByteBuilder output, int status)
    {
        var index = status switch { 200 => 8, 204 => 9, 206 => 10, 304 => 11, 400 => 12, 404 => 13, 500 => 14, _ => 0 };
        if (index > 0)
        {
            output.Append((byte)(0x80 | index));
            return;
        }
        Span<byte> digits = stackalloc byte[11];
        status.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        Field(output, KnownHeader.Status, ":status"u8, digits[..written]);
    }

    public static void Field(ByteBuilder output, KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var index = StaticTable.IndexOf(known);
        if (index is >= 2 and <= 7)
        {
            // Method, path and scheme have two common values each.
            for (var exact = index; exact < index + 2; exact++)
            {
                StaticTable.At(exact, out _, out _, out var common);
                if (!value.SequenceEqual(common)) continue;
                output.Append((byte)(0x80 | exact));
                return;
            }
        }
        var kind = known is KnownHeader.Authorization || known == KnownHeader.Cookie && value.Length < 20 ? (byte)0x10 : (byte)0;
        if (index > 0) Integer(output, kind, 4, index);
        else
        {
            output.Append(kind);
            Integer(output, 0, 7, name.Length);
            output.Append(name);
        }
        Integer(output, 0, 7, value.Length);
        output.Append(value);
    }

    private static void Integer(ByteBuilder output, byte pattern, int prefix, int value)
    {
        var most = (1 << prefix) - 1;
        if (value < most)
        {
            output.Append((byte)(pattern | value));
            return;
        }
        output.Append((byte)(pattern | most));
        for (value -= most; value >= 0x80; value >>= 7) output.Append((byte)(value & 0x7f | 0x80));
        output.Append((byte)value);
    }
}
