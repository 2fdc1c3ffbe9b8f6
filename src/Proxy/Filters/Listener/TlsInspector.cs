using System.Buffers.Binary;
using System.Text;

namespace Lateen.Proxy.Filters.Listener;

/// <summary>What the first bytes of a connection are.</summary>
internal enum Inspection
{
    /// <summary>More bytes are needed to tell.</summary>
    NeedMore,
    Yes,
    No,
}

/// <summary>
/// Looks for a TLS ClientHello and reads its server name and protocols, without consuming anything. Pure; bounded by the
/// largest record. Source: RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301.
/// </summary>
internal static class TlsInspector
{
    private const int LargestHello = 64 * 1024;

    public static Inspection Inspect(ReadOnlySpan<byte> input, out string serverName, out List<string> protocols)
    {
        (serverName, protocols) = ("", []);
        if (input.IsEmpty) return Inspection.NeedMore;
        if (input[0] != 22) return Inspection.No;
        if (input.Length < 5) return Inspection.NeedMore;
        if (input[1] != 3) return Inspection.No;
        // The hello may be spread over several records: joins what there is.
        var hello = new List<byte>();
        var rest = input;
        while (rest.Length >= 5 && rest[0] == 22)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]);
            var available = Math.Min(length, rest.Length - 5);
            hello.AddRange(rest.Slice(5, available));
            if (available < length) break;
            rest = rest[(5 + length)..];
        }
        var body = hello.ToArray().AsSpan();
        if (body.Length < 4) return Inspection.NeedMore;
        if (body[0] != 1) return Inspection.No;
        var size = body[1] << 16 | body[2] << 8 | body[3];
        if (size > LargestHello) return Inspection.No;
        if (body.Length < 4 + size) return Inspection.NeedMore;
        ReadExtensions(body.Slice(4, size), ref serverName, protocols);
        return Inspection.Yes;
    }

    private static void ReadExtensions(ReadOnlySpan<byte> hello, ref string serverName, List<string> protocols)
    {
        // version, random, session id, cipher suites, compression methods
        if (!Skip(ref hello, 34) || !SkipVector(ref hello, 1) || !SkipVector(ref hello, 2) || !SkipVector(ref hello, 1) || hello.Length < 2) return;
        hello = hello[2..];
        while (hello.Length >= 4)
        {
            int type = BinaryPrimitives.ReadUInt16BigEndian(hello), length = BinaryPrimitives.ReadUInt16BigEndian(hello[2..]);
            if (hello.Length < 4 + length) return;
            var data = hello.Slice(4, length);
            hello = hello[(4 + length)..];
            if (type == 0 && data.Length > 5 && data[2] == 0 && BinaryPrimitives.ReadUInt16BigEndian(data[3..]) is var name && data.Length >= 5 + name)
                serverName = Encoding.ASCII.GetString(data.Slice(5, name)).ToLowerInvariant();
            else if (type == 16 && data.Length > 2)
                for (var list = data[2..]; list.Length > 0 && list.Length > list[0]; list = list[(1 + list[0])..])
                    protocols.Add(Encoding.ASCII.GetString(list.Slice(1, list[0])));
        }
    }

    private static bool Skip(ref ReadOnlySpan<byte> span, int count)
    {
        if (span.Length < count) return false;
        span = span[count..];
        return true;
    }

    private static bool SkipVector(ref ReadOnlySpan<byte> span, int lengthBytes)
    {
        if (span.Length < lengthBytes) return false;
        var length = lengthBytes == 1 ? span[0] : BinaryPrimitives.ReadUInt16BigEndian(span);
        return Skip(ref span, lengthBytes + length);
    }
}

/// <summary>Tells HTTP/1 and HTTP/2 from everything else by the first bytes. Pure. Source: Envoy's HTTP inspector.</summary>
internal static class HttpInspector
{
    private const int LongestRequestLine = 8 * 1024;
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static Inspection Inspect(ReadOnlySpan<byte> input, out string protocol)
    {
        protocol = "";
        if (input.IsEmpty) return Inspection.NeedMore;
        var shared = Math.Min(input.Length, Preface.Length);
        if (input[..shared].SequenceEqual(Preface[..shared]))
        {
            protocol = "h2c";
            return shared == Preface.Length ? Inspection.Yes : Inspection.NeedMore;
        }
        var blank = input.IndexOf((byte)' ');
        var method = blank < 0 ? input : input[..blank];
        if (method.Length is 0 or > 32 || !Proxy.Http.Headers.HttpText.IsToken(method)) return Inspection.No;
        var end = input.IndexOf((byte)'\n');
        if (end < 0) return input.Length > LongestRequestLine ? Inspection.No : Inspection.NeedMore;
        var line = input[..end].TrimEnd((byte)'\r');
        if (line.EndsWith(" HTTP/1.1"u8)) protocol = "http/1.1";
        else if (line.EndsWith(" HTTP/1.0"u8)) protocol = "http/1.0";
        return protocol.Length > 0 ? Inspection.Yes : Inspection.No;
    }
}
