using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>
/// The hashes of hash policies, rings and tables, the same as Envoy's so that both send a client to the same host: xxHash64, and
/// MurmurHash2 (64 bits, variant A). Sources: the xxHash specification, section "XXH64"; Austin Appleby's MurmurHash2. Pure.
/// </summary>
internal static class Hashing
{
    private const ulong Prime1 = 11400714785074694791, Prime2 = 14029467366897019727, Prime3 = 1609587929392839161, Prime4 = 9650029242287828579, Prime5 = 2870177450012600261;

    /// <summary>The seed of libstdc++'s std::hash, which Envoy's MURMUR_HASH_2 stands in for.</summary>
    private const ulong MurmurSeed = 0xc70f6907;

    public static ulong Of(string text, ulong seed = 0)
    {
        Span<byte> bytes = stackalloc byte[512];
        return text.Length > 128 ? Of(Encoding.UTF8.GetBytes(text), seed) : Of(bytes[..Encoding.UTF8.GetBytes(text, bytes)], seed);
    }

    public static ulong Murmur(string text)
    {
        Span<byte> bytes = stackalloc byte[512];
        return text.Length > 128 ? Murmur(Encoding.UTF8.GetBytes(text)) : Murmur(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }

    /// <summary>xxHash64.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes, ulong seed = 0)
    {
        var length = (ulong)bytes.Length;
        ulong hash;
        if (bytes.Length >= 32)
        {
            var (a, b, c, d) = (seed + Prime1 + Prime2, seed + Prime2, seed, seed - Prime1);
            for (; bytes.Length >= 32; bytes = bytes[32..])
            {
                a = Round(a, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
                b = Round(b, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
                c = Round(c, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
                d = Round(d, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
            }
            hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
            hash = Merge(Merge(Merge(Merge(hash, a), b), c), d);
        }
        else hash = seed + Prime5;
        hash += length;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = BitOperations.RotateLeft(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(bytes)), 27) * Prime1 + Prime4;
        if (bytes.Length >= 4)
        {
            hash = BitOperations.RotateLeft(hash ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime1, 23) * Prime2 + Prime3;
            bytes = bytes[4..];
        }
        foreach (var b in bytes) hash = BitOperations.RotateLeft(hash ^ b * Prime5, 11) * Prime1;
        hash = (hash ^ hash >> 33) * Prime2;
        hash = (hash ^ hash >> 29) * Prime3;
        return hash ^ hash >> 32;
    }

    /// <summary>MurmurHash64A.</summary>
    public static ulong Murmur(ReadOnlySpan<byte> bytes)
    {
        const ulong Multiplier = 0xc6a4a7935bd1e995;
        var hash = MurmurSeed ^ (ulong)bytes.Length * Multiplier;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes) * Multiplier;
            hash = (hash ^ (word ^ word >> 47) * Multiplier) * Multiplier;
        }
        if (!bytes.IsEmpty)
        {
            ulong tail = 0;
            for (var i = bytes.Length - 1; i >= 0; i--) tail = tail << 8 | bytes[i];
            hash = (hash ^ tail) * Multiplier;
        }
        hash = (hash ^ hash >> 47) * Multiplier;
        return hash ^ hash >> 47;
    }

    private static ulong Round(ulong lane, ulong input) => BitOperations.RotateLeft(lane + input * Prime2, 31) * Prime1;

    private static ulong Merge(ulong hash, ulong lane) => (hash ^ Round(0, lane)) * Prime1 + Prime4;
}
