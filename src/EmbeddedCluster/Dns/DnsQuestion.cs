using System.Buffers.Binary;
using System.Text;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>The question of a query. Immutable.</summary>
/// <param name="Id">Echoed in the answer.</param>
/// <param name="Name">Lower case, without the last dot; empty for the root.</param>
/// <param name="Type">Record type wanted.</param>
/// <param name="WantsRecursion">The RD bit, echoed.</param>
/// <param name="Raw">The question's bytes, name as it was written, for the answer.</param>
/// <param name="MaxUdpBytes">Largest datagram that the client takes: 512 unless it says more (RFC 6891).</param>
/// <param name="HasExtension">Whether the query had an OPT record, and the answer needs one.</param>
internal sealed record DnsQuestion(ushort Id, string Name, DnsType Type, bool WantsRecursion, byte[] Raw, int MaxUdpBytes, bool HasExtension)
{
    private const int HeaderBytes = 12;

    /// <summary>Reads a query; nothing that it may hold throws.</summary>
    /// <param name="message">The message, without TCP's length.</param>
    /// <param name="question">The question, when the result is <see cref="DnsResponseCode.NoError"/>.</param>
    /// <returns>What to answer instead otherwise; null for a message that deserves no answer.</returns>
    public static DnsResponseCode? TryRead(ReadOnlySpan<byte> message, out DnsQuestion? question)
    {
        question = null;
        if (message.Length < HeaderBytes) return null;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & 0x8000) != 0) return null; // an answer: replying could make two servers talk for ever
        if ((flags & 0x7800) != 0) return DnsResponseCode.NotImplemented;
        if (BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1) return DnsResponseCode.FormatError;
        var position = HeaderBytes;
        if (ReadName(message, ref position) is not { } name || position + 4 > message.Length) return DnsResponseCode.FormatError;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[position..]);
        position += 4;
        var raw = message[HeaderBytes..position].ToArray();
        var extension = ReadExtension(message, position);
        question = new DnsQuestion(
            BinaryPrimitives.ReadUInt16BigEndian(message), name, type, (flags & 0x0100) != 0, raw, Math.Max(512, extension ?? 512), extension is not null);
        return DnsResponseCode.NoError;
    }

    // Questions are not compressed: a pointer there is a mistake.
    private static string? ReadName(ReadOnlySpan<byte> message, ref int position)
    {
        var name = new StringBuilder();
        while (position < message.Length)
        {
            int length = message[position++];
            if (length == 0) return name.ToString().ToLowerInvariant();
            if (length > 63 || position + length > message.Length || name.Length + length > 254) return null;
            if (name.Length > 0) name.Append('.');
            name.Append(Encoding.Latin1.GetString(message.Slice(position, length)));
            position += length;
        }
        return null;
    }

    private static int? ReadExtension(ReadOnlySpan<byte> message, int position)
    {
        // Only the usual form is looked for: OPT as the sole further record, with the root as its name.
        if (BinaryPrimitives.ReadUInt16BigEndian(message[10..]) == 0 || position + 11 > message.Length || message[position] != 0) return null;
        if (BinaryPrimitives.ReadUInt16BigEndian(message[6..]) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[8..]) != 0) return null;
        return (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[(position + 1)..]) == DnsType.Opt
            ? BinaryPrimitives.ReadUInt16BigEndian(message[(position + 3)..])
            : null;
    }
}
