using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Foundation.Net;

/// <summary>
/// An address range in CIDR form, IPv4 or IPv6, host bits cleared. An IPv4-mapped IPv6 address counts as IPv4, so that
/// the two spellings of one address never compare differently. Immutable.
/// </summary>
public readonly struct IpPrefix : IEquatable<IpPrefix>
{
    private readonly UInt128 _bits;

    private IpPrefix(UInt128 bits, int length, bool isV6)
    {
        _bits = bits & Mask(length, isV6);
        Length = length;
        IsV6 = isV6;
    }

    /// <summary>Number of leading bits that count: 0 to 32 or 0 to 128.</summary>
    public int Length { get; }

    /// <summary>True for an IPv6 range.</summary>
    public bool IsV6 { get; }

    /// <summary>The first address of the range.</summary>
    public IPAddress Address => ToAddress(_bits, IsV6);

    /// <summary>A range of the given number of leading bits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length does not fit the address family.</exception>
    public static IpPrefix Create(IPAddress address, int length)
    {
        var (bits, isV6) = ToBits(address);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, isV6 ? 128 : 32);
        return new IpPrefix(bits, length, isV6);
    }

    /// <summary>Reads <c>10.0.0.0/8</c>, <c>fd00::/8</c>, or a bare address, which is a range of one.</summary>
    public static bool TryParse(string? text, out IpPrefix prefix)
    {
        prefix = default;
        if (string.IsNullOrEmpty(text)) return false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(host, out var address) || host.Contains('%') || !host.Contains(':') && host.Count(c => c == '.') != 3) return false;
        var (bits, isV6) = ToBits(address);
        var length = isV6 ? 128 : 32;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var given) || (length = given) > (isV6 ? 128 : 32)))
            return false;
        prefix = new IpPrefix(bits, length, isV6);
        return true;
    }

    /// <summary>Whether the range holds an address; never across families.</summary>
    public bool Contains(IPAddress address)
    {
        var (bits, isV6) = ToBits(address);
        return isV6 == IsV6 && (bits & Mask(Length, isV6)) == _bits;
    }

    /// <summary>Whether the range holds all of another.</summary>
    public bool Contains(IpPrefix other) => IsV6 == other.IsV6 && other.Length >= Length && (other._bits & Mask(Length, IsV6)) == _bits;

    /// <summary>The address at a distance from the first; used to hand out addresses.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The distance leaves the range.</exception>
    public IPAddress AddressAt(ulong offset)
    {
        var size = (IsV6 ? 128 : 32) - Length;
        if (size < 64 && offset >= 1UL << size) throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{this} has {1UL << size} addresses");
        return ToAddress(_bits + offset, IsV6);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{Length}";

    /// <inheritdoc/>
    public bool Equals(IpPrefix other) => _bits == other._bits && Length == other.Length && IsV6 == other.IsV6;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpPrefix other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_bits, Length, IsV6);

    /// <summary>Value equality.</summary>
    public static bool operator ==(IpPrefix left, IpPrefix right) => left.Equals(right);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(IpPrefix left, IpPrefix right) => !left.Equals(right);

    private static UInt128 Mask(int length, bool isV6)
    {
        var width = isV6 ? 128 : 32;
        return length == 0 ? UInt128.Zero : (UInt128.MaxValue >> (128 - width)) & ~((UInt128.One << (width - length)) - 1);
    }

    private static (UInt128 Bits, bool IsV6) ToBits(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        UInt128 bits = 0;
        foreach (var b in bytes[..written]) bits = (bits << 8) | b;
        return (bits, address.AddressFamily == AddressFamily.InterNetworkV6);
    }

    private static IPAddress ToAddress(UInt128 bits, bool isV6)
    {
        Span<byte> bytes = stackalloc byte[isV6 ? 16 : 4];
        for (var i = bytes.Length - 1; i >= 0; i--, bits >>= 8) bytes[i] = (byte)bits;
        return new IPAddress(bytes);
    }
}
