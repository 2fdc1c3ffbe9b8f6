using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>One resource record with its content as it goes on the wire. Immutable.</summary>
/// <param name="Name">Lower case, without the last dot.</param>
/// <param name="Type">Record type.</param>
/// <param name="Content">RDATA.</param>
internal sealed record DnsRecord(string Name, DnsType Type, byte[] Content)
{
    /// <summary>An address.</summary>
    public static DnsRecord Address(string name, IPAddress address) =>
        new(name, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, address.GetAddressBytes());

    /// <summary>An alias.</summary>
    public static DnsRecord Alias(string name, string target) => new(name, DnsType.Cname, EncodeName(target));

    /// <summary>The name of an address.</summary>
    public static DnsRecord Pointer(IPAddress address, string target) => new(ReverseName(address), DnsType.Ptr, EncodeName(target));

    /// <summary>Host and port of a service; priority 0, weight 100 as CoreDNS sends.</summary>
    public static DnsRecord Service(string name, int port, string target)
    {
        var host = EncodeName(target);
        var content = new byte[6 + host.Length];
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(2), 100);
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(4), (ushort)port);
        host.CopyTo(content, 6);
        return new DnsRecord(name, DnsType.Srv, content);
    }

    /// <summary>A text of at most 255 bytes.</summary>
    public static DnsRecord Text(string name, string text) => new(name, DnsType.Txt, [(byte)Encoding.ASCII.GetByteCount(text), .. Encoding.ASCII.GetBytes(text)]);

    /// <summary>Start of authority of a zone; the last number is how long "no such name" may be remembered, in seconds.</summary>
    public static DnsRecord Authority(string zone)
    {
        var content = new List<byte>();
        content.AddRange(EncodeName("ns.dns." + zone));
        content.AddRange(EncodeName("hostmaster." + zone));
        Span<byte> numbers = stackalloc byte[20];
        uint[] values = [1, 7200, 1800, 86400, 5];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(numbers[(i * 4)..], values[i]);
        content.AddRange(numbers);
        return new DnsRecord(zone, DnsType.Soa, [.. content]);
    }

    /// <summary>The name under which the PTR record of an IPv4 address is asked.</summary>
    public static string ReverseName(IPAddress address) => string.Join('.', address.GetAddressBytes().Reverse()) + ".in-addr.arpa";

    /// <summary>A name as labels with their lengths, not compressed.</summary>
    public static byte[] EncodeName(string name)
    {
        if (name.Length == 0) return [0];
        var bytes = new List<byte>(name.Length + 2);
        foreach (var label in name.Split('.'))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(label));
        }
        bytes.Add(0);
        return [.. bytes];
    }
}
