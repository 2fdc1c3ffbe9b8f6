using System.Buffers.Binary;
using System.Text;

namespace Lateen.Proxy.Network;

/// <summary>How far the reading of a PROXY header is.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>It is not whole yet.</summary>
    NeedMore,

    /// <summary>It is there.</summary>
    Done,

    /// <summary>What came does not begin with one.</summary>
    Absent,

    /// <summary>It begins with one that is damaged.</summary>
    Bad,
}

/// <summary>
/// The header by which a load balancer says whose connection it passes on. Pure. Source: "The PROXY protocol, versions 1 and 2"
/// of HAProxy, sections 2.1 and 2.2.
/// </summary>
internal static class ProxyHeader
{
    /// <summary>Longest header of version 1, its line end included.</summary>
    public const int LongestV1 = 107;

    private static ReadOnlySpan<byte> SignatureV1 => "PROXY "u8;

    private static ReadOnlySpan<byte> SignatureV2 => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <param name="received">What has come so far.</param>
    /// <param name="length">Bytes that the header takes.</param>
    /// <param name="version">1 or 2.</param>
    /// <param name="source">The client; none when the header leaves it open (LOCAL, UNKNOWN).</param>
    /// <param name="destination">Where the client went; none when the header leaves it open.</param>
    public static ProxyHeaderStatus Read(ReadOnlySpan<byte> received, out int length, out int version, out SocketAddress source, out SocketAddress destination)
    {
        (length, version, source, destination) = (0, 0, default, default);
        var first = received[..Math.Min(received.Length, SignatureV2.Length)];
        if (SignatureV2.StartsWith(first))
        {
            if (received.Length < SignatureV2.Length) return ProxyHeaderStatus.NeedMore;
            version = 2;
            return ReadV2(received, out length, out source, out destination);
        }
        first = received[..Math.Min(received.Length, SignatureV1.Length)];
        if (!SignatureV1.StartsWith(first)) return ProxyHeaderStatus.Absent;
        version = 1;
        var end = received.IndexOf("\r\n"u8);
        if (end < 0) return received.Length >= LongestV1 ? ProxyHeaderStatus.Bad : ProxyHeaderStatus.NeedMore;
        if (end + 2 > LongestV1) return ProxyHeaderStatus.Bad;
        length = end + 2;
        return ReadV1(Encoding.ASCII.GetString(received[..end]).Split(' '), out source, out destination) ? ProxyHeaderStatus.Done : ProxyHeaderStatus.Bad;
    }

    /// <summary>A header of either version; without addresses it says LOCAL or UNKNOWN.</summary>
    public static byte[] Write(int version, in SocketAddress source, in SocketAddress destination)
    {
        var known = !source.IsNone && !destination.IsNone && source.Path is null && destination.Path is null && source.IsV6 == destination.IsV6;
        if (version == 1)
            return known
                ? Encoding.ASCII.GetBytes($"PROXY {(source.IsV6 ? "TCP6" : "TCP4")} {source.ToIpAddress()} {destination.ToIpAddress()} {source.Port} {destination.Port}\r\n")
                : "PROXY UNKNOWN\r\n"u8.ToArray();
        byte[] addresses = known ? [.. source.ToIpAddress().GetAddressBytes(), .. destination.ToIpAddress().GetAddressBytes(), .. Port(source.Port), .. Port(destination.Port)] : [];
        return [.. SignatureV2, (byte)(known ? 0x21 : 0x20), (byte)(!known ? 0 : source.IsV6 ? 0x21 : 0x11), .. Port(addresses.Length), .. addresses];
    }

    private static byte[] Port(int value) => [(byte)(value >> 8), (byte)value];

    private static bool ReadV1(string[] words, out SocketAddress source, out SocketAddress destination)
    {
        (source, destination) = (default, default);
        if (words.Length >= 2 && words[1] == "UNKNOWN") return true;
        if (words is not [_, var family, var from, var to, var fromPort, var toPort] || family is not ("TCP4" or "TCP6")) return false;
        return IsPort(fromPort, out var sourcePort) && IsPort(toPort, out var destinationPort)
            && SocketAddress.TryParse(from, sourcePort, out source) && SocketAddress.TryParse(to, destinationPort, out destination)
            && source.IsV6 == (family == "TCP6") && destination.IsV6 == source.IsV6;
    }

    private static bool IsPort(string text, out int port) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out port) && port <= ushort.MaxValue;

    private static ProxyHeaderStatus ReadV2(ReadOnlySpan<byte> received, out int length, out SocketAddress source, out SocketAddress destination)
    {
        (length, source, destination) = (0, default, default);
        if (received.Length < 16) return ProxyHeaderStatus.NeedMore;
        var (command, family, rest) = (received[12], received[13], BinaryPrimitives.ReadUInt16BigEndian(received[14..]));
        if (command is not (0x20 or 0x21)) return ProxyHeaderStatus.Bad;
        if (received.Length < 16 + rest) return ProxyHeaderStatus.NeedMore;
        length = 16 + rest;
        var body = received.Slice(16, rest);
        if (command == 0x20) return ProxyHeaderStatus.Done;
        var size = family switch
        {
            0x11 => 4,
            0x21 => 16,
            // Other families name no address that this side could use.
            0x00 or 0x31 or 0x32 or 0x12 or 0x22 => 0,
            _ => -1,
        };
        if (size < 0 || body.Length < 2 * size + (size > 0 ? 4 : 0)) return ProxyHeaderStatus.Bad;
        if (size == 0) return ProxyHeaderStatus.Done;
        source = SocketAddress.From(new System.Net.IPAddress(body[..size]), BinaryPrimitives.ReadUInt16BigEndian(body[(2 * size)..]));
        destination = SocketAddress.From(new System.Net.IPAddress(body.Slice(size, size)), BinaryPrimitives.ReadUInt16BigEndian(body[(2 * size + 2)..]));
        return ProxyHeaderStatus.Done;
    }
}
