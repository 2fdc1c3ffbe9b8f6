using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace Lateen.Proxy.Network;

/// <summary>
/// An IPv4, IPv6 or Unix address and port. An IPv4-mapped IPv6 address is kept as IPv4. Immutable; compared by value, so that
/// it can be a key.
/// </summary>
internal readonly struct SocketAddress : IEquatable<SocketAddress>
{
    private readonly UInt128 _ip;
    private readonly string? _path;

    private SocketAddress(UInt128 ip, int port, bool isV6, string? path) => (_ip, Port, IsV6, _path) = (ip, port, isV6, path);

    /// <summary>Port, 0 for Unix sockets.</summary>
    public int Port { get; }

    public bool IsV6 { get; }

    /// <summary>Path of a Unix socket, else null.</summary>
    public string? Path => _path;

    /// <summary>No address at all.</summary>
    public bool IsNone => _path is null && _ip == 0 && Port == 0;

    /// <summary>0.0.0.0 or ::.</summary>
    public bool IsAny => _path is null && _ip == 0;

    /// <summary>127.0.0.0/8 or ::1.</summary>
    public bool IsLoopback => _path is null && (IsV6 ? _ip == 1 : (uint)(_ip >> 24) == 127);

    public static SocketAddress Unix(string path) => new(0, 0, false, path);

    public static SocketAddress From(IPAddress address, int port)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4
            ? new SocketAddress(BinaryPrimitives.ReadUInt32BigEndian(bytes), port, false, null)
            : new SocketAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), port, true, null);
    }

    public static bool TryParse(string ip, int port, out SocketAddress address)
    {
        address = default;
        if (!IPAddress.TryParse(ip, out var parsed)) return false;
        address = From(parsed, port);
        return true;
    }

    /// <summary>Whether it lies in a range; a Unix socket lies in none.</summary>
    public bool IsIn(in AddressRange range) => _path is null && range.Contains(_ip, IsV6);

    public SocketAddress WithPort(int port) => new(_ip, port, IsV6, _path);

    /// <summary>The address alone.</summary>
    public IPAddress ToIpAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!IsV6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_ip);
            return new IPAddress(bytes[..4]);
        }
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _ip);
        return new IPAddress(bytes);
    }

    /// <summary>Writes a struct sockaddr and returns its length.</summary>
    public int WriteTo(Span<byte> target)
    {
        target.Clear();
        if (_path is not null)
        {
            BitConverter.TryWriteBytes(target, (ushort)Interop.Libc.AfUnix);
            var length = Encoding.UTF8.GetBytes(_path, target[2..]);
            if (_path.StartsWith('@'))
            {
                target[2] = 0;
                return 2 + length;
            }
            return 3 + length;
        }
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)Port);
        if (!IsV6)
        {
            BitConverter.TryWriteBytes(target, (ushort)Interop.Libc.AfInet);
            BinaryPrimitives.WriteUInt32BigEndian(target[4..], (uint)_ip);
            return 16;
        }
        BitConverter.TryWriteBytes(target, (ushort)Interop.Libc.AfInet6);
        BinaryPrimitives.WriteUInt128BigEndian(target[8..], _ip);
        return 28;
    }

    /// <summary>Reads a struct sockaddr; none for a family that is not known.</summary>
    public static SocketAddress ReadFrom(ReadOnlySpan<byte> source)
    {
        if (source.Length < 8) return default;
        int family = BitConverter.ToUInt16(source), port = BinaryPrimitives.ReadUInt16BigEndian(source[2..]);
        if (family == Interop.Libc.AfInet) return new SocketAddress(BinaryPrimitives.ReadUInt32BigEndian(source[4..]), port, false, null);
        if (family != Interop.Libc.AfInet6 || source.Length < 24) return default;
        var ip = BinaryPrimitives.ReadUInt128BigEndian(source[8..]);
        return ip >> 32 == 0xffff ? new SocketAddress((uint)ip, port, false, null) : new SocketAddress(ip, port, true, null);
    }

    /// <summary>Writes <c>1.2.3.4:80</c>, <c>[::1]:80</c> or the path, without allocating; returns the length.</summary>
    public int Format(Span<byte> target, bool withPort = true)
    {
        if (_path is not null) return Encoding.UTF8.GetBytes(_path, target);
        var at = 0;
        if (!IsV6)
        {
            for (var shift = 24; shift >= 0; shift -= 8)
            {
                ((byte)(_ip >> shift)).TryFormat(target[at..], out var digits, default, CultureInfo.InvariantCulture);
                at += digits;
                if (shift > 0) target[at++] = (byte)'.';
            }
        }
        else
        {
            if (withPort) target[at++] = (byte)'[';
            ToIpAddress().TryFormat(target[at..], out var length);
            at += length;
            if (withPort) target[at++] = (byte)']';
        }
        if (!withPort) return at;
        target[at++] = (byte)':';
        Port.TryFormat(target[at..], out var portDigits, default, CultureInfo.InvariantCulture);
        return at + portDigits;
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[256];
        return Encoding.UTF8.GetString(text[..Format(text)]);
    }

    public bool Equals(SocketAddress other) => _ip == other._ip && Port == other.Port && IsV6 == other.IsV6 && _path == other._path;

    public override bool Equals(object? obj) => obj is SocketAddress other && Equals(other);

    public override int GetHashCode() => _path is null ? HashCode.Combine(_ip, Port) : _path.GetHashCode(StringComparison.Ordinal);
}
