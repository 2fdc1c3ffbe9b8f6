namespace Lateen.Proxy.Http.Http2.Hpack;

/// <summary>
/// The Huffman code of HPACK. It is canonical: codes of one length follow each other in the order of their symbols, so that the
/// lengths alone give the whole code. Immutable. Source: RFC 7541 section 5.2 and appendix B.
/// </summary>
internal static class HuffmanCode
{
    private const int Symbols = 257;
    private const int EndOfString = 256;
    private const int Longest = 30;
    private const int FastBits = 9;
    private static readonly uint[] FirstCode = new uint[Longest + 2];
    private static readonly int[] FirstSymbol = new int[Longest + 2];
    private static readonly short[] Ordered = new short[Symbols];
    private static readonly ushort[] Fast = new ushort[1 << FastBits];

    static HuffmanCode()
    {
        uint code = 0;
        var at = 0;
        for (var length = 1; length <= Longest; length++)
        {
            code <<= 1;
            (FirstCode[length], FirstSymbol[length]) = (code, at);
            for (var symbol = 0; symbol < Symbols; symbol++)
            {
                if (LengthOf(symbol) != length) continue;
                Ordered[at++] = (short)symbol;
                if (length <= FastBits)
                {
                    var first = code << (FastBits - length);
                    for (var rest = 0u; rest < 1u << (FastBits - length); rest++) Fast[first + rest] = (ushort)(symbol << 4 | length);
                }
                code++;
            }
        }
        (FirstCode[Longest + 1], FirstSymbol[Longest + 1]) = (uint.MaxValue, at);
    }

    /// <summary>Bits of the code of each symbol; the end of the string, which may never be sent, is the last.</summary>
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    ];

    /// <summary>Most bytes that so many coded bytes can stand for: the shortest code has five bits.</summary>
    public static int MostDecoded(int coded) => coded * 8 / 5 + 1;

    /// <summary>
    /// Decodes a whole string; -1 when it holds the end-of-string symbol, or its padding is longer than seven bits or not of ones.
    /// </summary>
    public static int Decode(ReadOnlySpan<byte> coded, Span<byte> target)
    {
        ulong bits = 0;
        int count = 0, at = 0, written = 0;
        while (true)
        {
            while (count <= 56 && at < coded.Length)
            {
                bits |= (ulong)coded[at++] << (56 - count);
                count += 8;
            }
            if (count == 0) return written;
            var entry = Fast[(int)(bits >> (64 - FastBits))];
            var length = entry & 15;
            int symbol = entry >> 4;
            if (length == 0)
            {
                for (length = FastBits + 1; length <= Longest && (uint)(bits >> (64 - length)) - FirstCode[length] >= (uint)(FirstSymbol[length + 1] - FirstSymbol[length]); length++)
                {
                }
                symbol = length > Longest ? EndOfString : Ordered[FirstSymbol[length] + (int)((uint)(bits >> (64 - length)) - FirstCode[length])];
            }
            if (length > count)
            {
                // What is left is padding: fewer than eight bits, all ones (section 5.2).
                return count < 8 && bits >> (64 - count) == (1UL << count) - 1 ? written : -1;
            }
            if (symbol == EndOfString) return -1;
            target[written++] = (byte)symbol;
            bits <<= length;
            count -= length;
        }
    }

    private static int LengthOf(int symbol) => symbol == EndOfString ? Longest : Lengths[symbol];
}
