using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Conformance.Tests.Http1;

/// <summary>How the reading of a stretch of bytes ended.</summary>
internal enum Verdict
{
    /// <summary>All bytes were taken, and the last message is whole.</summary>
    Whole,

    /// <summary>All bytes were taken; the last message would go on.</summary>
    Unfinished,

    /// <summary>The bytes are not HTTP as this proxy reads it.</summary>
    Refused,
}

/// <summary>One message as the proxy's codec reads it.</summary>
internal sealed class ReadMessage
{
    public string Method { get; init; } = "";

    public string Target { get; init; } = "";

    public int Status { get; init; }

    public bool KeepAlive { get; init; }

    public List<(string Name, string Value)> Headers { get; } = [];

    public List<(string Name, string Value)> Trailers { get; } = [];

    public StringBuilder Body { get; } = new();

    public bool Complete { get; set; }

    /// <summary>Everything of it in one text, for comparisons.</summary>
    public override string ToString() =>
        $"{Method} {Target} {Status} {KeepAlive} [{string.Join('|', Headers.Select(header => header.Name + "=" + header.Value))}] {Body} [{string.Join('|', Trailers.Select(header => header.Name + "=" + header.Value))}] {Complete}";
}

/// <summary>Reads a connection's bytes with the proxy's own parsers as its connections do, arriving in the pieces that the caller chooses.</summary>
internal static class MessageReading
{
    /// <param name="input">What the peer sends.</param>
    /// <param name="responses">The bytes are responses.</param>
    /// <param name="arrivals">How many bytes have come after each arrival, ascending; the whole is there at last.</param>
    /// <param name="closed">The peer closes behind the last byte.</param>
    /// <param name="answersHead">The responses answer HEAD.</param>
    public static (Verdict Verdict, List<ReadMessage> Messages) Read(byte[] input, bool responses, IEnumerable<int> arrivals, bool closed = false, bool answersHead = false)
    {
        var limits = Http1Limits.Default with { AcceptHttp10 = true };
        var (messages, map, trailers, facts, body) = (new List<ReadMessage>(), new HeaderMap(), new HeaderMap(), default(MessageFacts), default(BodyReader));
        var start = 0;
        var inBody = false;
        foreach (var end in arrivals.Append(input.Length))
        {
            while (true)
            {
                var rest = input.AsSpan(start, end - start);
                if (!inBody)
                {
                    if (rest.IsEmpty || messages.Count > 0 && !messages[^1].KeepAlive) break;
                    var status = responses ? Http1Parser.ParseResponse(rest, limits, answersHead, map, ref facts, out var used) : Http1Parser.ParseRequest(rest, limits, map, ref facts, out used);
                    if (status == ParseStatus.Incomplete) break;
                    if (status != ParseStatus.Done) return (Verdict.Refused, messages);
                    start += used;
                    messages.Add(Head(map, facts));
                    body.Begin(facts.Body, facts.ContentLength);
                    inBody = true;
                    continue;
                }
                var step = body.Next(rest, trailers, out var consumed, out var length);
                messages[^1].Body.Append(Encoding.Latin1.GetString(rest[(consumed - length)..consumed]));
                start += consumed;
                if (step == BodyStep.NeedMore) break;
                if (step == BodyStep.Bad) return (Verdict.Refused, messages);
                if (step != BodyStep.End) continue;
                Finish(messages[^1], trailers, facts);
                inBody = false;
            }
        }
        if (inBody && closed && body.EndOfInput())
        {
            messages[^1].Complete = true;
            inBody = false;
        }
        var unread = start < input.Length && (messages.Count == 0 || messages[^1].KeepAlive);
        return (inBody || unread ? Verdict.Unfinished : Verdict.Whole, messages);
    }

    private static ReadMessage Head(HeaderMap map, in MessageFacts facts)
    {
        var message = new ReadMessage
        {
            Method = Text(map[KnownHeader.Method]), Target = Text(map.Has(KnownHeader.Path) ? map[KnownHeader.Path] : map[KnownHeader.Authority]), Status = facts.Status, KeepAlive = facts.KeepAlive,
        };
        Fields(map, message.Headers);
        return message;
    }

    private static void Finish(ReadMessage message, HeaderMap trailers, in MessageFacts facts)
    {
        message.Complete = true;
        if (facts.Body == BodyKind.Chunked) Fields(trailers, message.Trailers);
    }

    private static void Fields(HeaderMap map, List<(string, string)> target)
    {
        for (var place = 0; place < map.Places; place++)
            if (map.TryAt(place, out var known, out var name, out var value) && known is < KnownHeader.Method or > KnownHeader.Status)
                target.Add((Text(name), Text(value)));
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
