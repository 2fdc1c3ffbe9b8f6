using System.Buffers.Binary;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>Writes answers (RFC 1035, 4).</summary>
internal static class DnsAnswer
{
    /// <summary>How long an answer may be remembered, in seconds; CoreDNS's default for clusters.</summary>
    public const uint LifetimeSeconds = 5;

    private const ushort Response = 0x8000, Authoritative = 0x0400, Truncated = 0x0200, RecursionDesired = 0x0100, RecursionAvailable = 0x0080;

    /// <summary>Writes a message.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="code">Outcome.</param>
    /// <param name="answers">Records of the answer section.</param>
    /// <param name="authority">The zone's SOA when the answer section is empty.</param>
    /// <param name="maxBytes">Records that do not fit are left out and the message says that it is cut.</param>
    public static byte[] Write(DnsQuestion question, DnsResponseCode code, IReadOnlyList<DnsRecord> answers, DnsRecord? authority, int maxBytes)
    {
        var extension = question.HasExtension ? 11 : 0;
        var message = new List<byte>(256);
        message.AddRange(new byte[12]);
        message.AddRange(question.Raw);
        var written = 0;
        foreach (var record in answers)
        {
            var before = message.Count;
            Append(message, record, question.Name);
            if (message.Count + extension <= maxBytes)
            {
                written++;
                continue;
            }
            message.RemoveRange(before, message.Count - before);
            break;
        }
        var cut = written < answers.Count;
        if (authority is not null) Append(message, authority, question.Name);
        if (question.HasExtension) message.AddRange([0, 0, (byte)DnsType.Opt, 4, 208, 0, 0, 0, 0, 0, 0]); // takes 1232 bytes itself

        var bytes = message.ToArray();
        var flags = Response | Authoritative | RecursionAvailable | (question.WantsRecursion ? RecursionDesired : 0) | (cut ? Truncated : 0) | (int)code;
        WriteHeader(bytes, question.Id, flags, 1, written, authority is null ? 0 : 1, question.HasExtension ? 1 : 0);
        return bytes;
    }

    /// <summary>Writes the answer to a query that could not be understood, which has no question section.</summary>
    public static byte[] WriteRefusal(ReadOnlySpan<byte> query, DnsResponseCode code)
    {
        var bytes = new byte[12];
        WriteHeader(bytes, BinaryPrimitives.ReadUInt16BigEndian(query), Response | (int)code, 0, 0, 0, 0);
        return bytes;
    }

    private static void WriteHeader(Span<byte> bytes, ushort id, int flags, int questions, int answers, int authorities, int further)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, id);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)questions);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)answers);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)authorities);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], (ushort)further);
    }

    private static void Append(List<byte> message, DnsRecord record, string asked)
    {
        // A record of the asked name points back to the question, which is at byte 12.
        if (record.Name == asked) message.AddRange([0xC0, 12]);
        else message.AddRange(DnsRecord.EncodeName(record.Name));
        Span<byte> rest = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)record.Type);
        BinaryPrimitives.WriteUInt16BigEndian(rest[2..], 1); // class IN
        BinaryPrimitives.WriteUInt32BigEndian(rest[4..], LifetimeSeconds);
        BinaryPrimitives.WriteUInt16BigEndian(rest[8..], (ushort)record.Content.Length);
        message.AddRange(rest);
        message.AddRange(record.Content);
    }
}
