using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http1;

/// <summary>What the parser made of the bytes so far.</summary>
internal enum ParseStatus
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The head is whole.</summary>
    Done,

    /// <summary>400: the message is not HTTP/1, or is ambiguous.</summary>
    Bad,

    /// <summary>431: the head is larger than allowed.</summary>
    TooLarge,

    /// <summary>501: a transfer coding that is not understood.</summary>
    UnsupportedCoding,

    /// <summary>426: an HTTP version below 1.1 that is not accepted.</summary>
    OldVersion,

    /// <summary>505: a version that is not HTTP/1.</summary>
    UnknownVersion,
}

/// <summary>How long the body of a message is.</summary>
internal enum BodyKind
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>As many bytes as Content-Length says.</summary>
    Length,

    /// <summary>Chunks.</summary>
    Chunked,

    /// <summary>Until the sender closes; responses only.</summary>
    UntilClose,
}

/// <summary>What the parser allows.</summary>
/// <param name="MaxHeadBytes">Largest head in bytes.</param>
/// <param name="MaxHeaders">Most headers.</param>
/// <param name="AcceptHttp10">Whether HTTP/1.0 requests are served.</param>
internal readonly record struct Http1Limits(int MaxHeadBytes, int MaxHeaders, bool AcceptHttp10)
{
    /// <summary>Envoy's defaults: 60 KiB, 100 headers.</summary>
    public static Http1Limits Default { get; } = new(60 * 1024, 100, false);
}

/// <summary>What the head says besides its headers.</summary>
internal struct MessageFacts
{
    public BodyKind Body;
    public long ContentLength;
    public bool KeepAlive;
    public bool IsHttp10;
    public int Status;
}

/// <summary>
/// Reads the heads of HTTP/1 messages, strictly: what two parsers could understand in two ways is refused. Pure functions;
/// nothing that a peer sends makes them throw. Source: RFC 9112; hostile rows A1 to A12.
/// </summary>
internal static class Http1Parser
{
    /// <summary>
    /// Reads a request head. On <see cref="ParseStatus.Done"/>, <paramref name="consumed"/> bytes were used and the map holds the
    /// pseudo-headers first.
    /// </summary>
    public static ParseStatus ParseRequest(ReadOnlySpan<byte> input, in Http1Limits limits, HeaderMap headers, ref MessageFacts facts, out int consumed)
    {
        // One empty line before a request line is tolerated (RFC 9112 section 2.2).
        var skipped = input.StartsWith("\r\n"u8) ? 2 : 0;
        consumed = skipped;
        var status = FindHead(input[skipped..], limits.MaxHeadBytes, out var head);
        if (status != ParseStatus.Done) return status;
        consumed += head.Length;
        headers.Clear();
        facts = default;
        var line = NextLine(ref head);
        if ((status = RequestLine(line, headers, ref facts, limits)) != ParseStatus.Done) return status;
        if ((status = Fields(head, limits.MaxHeaders, headers)) != ParseStatus.Done) return status;
        if ((status = Framing(headers, ref facts)) != ParseStatus.Done) return status;
        return Host(headers, facts) ? ParseStatus.Done : ParseStatus.Bad;
    }

    /// <summary>Reads a response head; whether it answers HEAD decides about its body.</summary>
    public static ParseStatus ParseResponse(ReadOnlySpan<byte> input, in Http1Limits limits, bool answersHead, HeaderMap headers, ref MessageFacts facts, out int consumed)
    {
        consumed = 0;
        var status = FindHead(input, limits.MaxHeadBytes, out var head);
        if (status != ParseStatus.Done) return status;
        consumed = head.Length;
        headers.Clear();
        facts = default;
        if (!StatusLine(NextLine(ref head), headers, ref facts)) return ParseStatus.Bad;
        if ((status = Fields(head, limits.MaxHeaders, headers)) != ParseStatus.Done) return status;
        if ((status = Framing(headers, ref facts)) != ParseStatus.Done) return status;
        if (answersHead || facts.Status is < 200 or 204 or 304) facts.Body = BodyKind.None;
        else if (facts.Body == BodyKind.None && !headers.Has(KnownHeader.ContentLength)) facts.Body = BodyKind.UntilClose;
        return ParseStatus.Done;
    }

    /// <summary>Reads header lines without a start line: trailers.</summary>
    public static ParseStatus ParseTrailers(ReadOnlySpan<byte> input, in Http1Limits limits, HeaderMap trailers, out int consumed)
    {
        trailers.Clear();
        if (input.StartsWith("\r\n"u8))
        {
            consumed = 2;
            return ParseStatus.Done;
        }
        consumed = 0;
        if (input.Length < 2) return input is [not (byte)'\r', ..] and [(byte)'\n', ..] ? ParseStatus.Bad : ParseStatus.Incomplete;
        var status = FindHead(input, limits.MaxHeadBytes, out var head);
        if (status != ParseStatus.Done) return status;
        consumed = head.Length;
        return Fields(head, limits.MaxHeaders, trailers);
    }

    private static ParseStatus FindHead(ReadOnlySpan<byte> input, int limit, out ReadOnlySpan<byte> head)
    {
        head = default;
        var end = input.IndexOf("\r\n\r\n"u8);
        var scanned = end < 0 ? input : input[..end];
        for (var at = scanned.IndexOf((byte)'\n'); at >= 0;)
        {
            if (at == 0 || scanned[at - 1] != '\r') return ParseStatus.Bad;
            var next = scanned[(at + 1)..].IndexOf((byte)'\n');
            at = next < 0 ? -1 : at + 1 + next;
        }
        if (end < 0) return input.Length > limit ? ParseStatus.TooLarge : ParseStatus.Incomplete;
        if (end > limit) return ParseStatus.TooLarge;
        head = input[..(end + 4)];
        return ParseStatus.Done;
    }

    private static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> head)
    {
        var end = head.IndexOf("\r\n"u8);
        var line = head[..end];
        head = head[(end + 2)..];
        return line;
    }

    private static ParseStatus RequestLine(ReadOnlySpan<byte> line, HeaderMap headers, ref MessageFacts facts, in Http1Limits limits)
    {
        var first = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last == first) return ParseStatus.Bad;
        var method = line[..first];
        var target = line[(first + 1)..last];
        var version = line[(last + 1)..];
        if (!HttpText.IsToken(method) || !HttpText.IsTarget(target)) return ParseStatus.Bad;
        if (version.SequenceEqual("HTTP/1.0"u8)) facts.IsHttp10 = true;
        else if (!version.SequenceEqual("HTTP/1.1"u8))
            return version.Length == 8 && version.StartsWith("HTTP/"u8) ? ParseStatus.UnknownVersion : ParseStatus.Bad;
        if (facts.IsHttp10 && !limits.AcceptHttp10) return ParseStatus.OldVersion;
        headers.Add(KnownHeader.Method, method);
        return Target(method, target, headers) ? ParseStatus.Done : ParseStatus.Bad;
    }

    /// <summary>Origin, absolute, authority and asterisk form (RFC 9112 section 3.2).</summary>
    private static bool Target(ReadOnlySpan<byte> method, ReadOnlySpan<byte> target, HeaderMap headers)
    {
        if (method.SequenceEqual("CONNECT"u8))
        {
            if (target.ContainsAny((byte)'/', (byte)'@') || target.LastIndexOf((byte)':') <= 0) return false;
            headers.Add(KnownHeader.Authority, target);
            return true;
        }
        if (target[0] == '/')
        {
            headers.Add(KnownHeader.Path, target);
            return true;
        }
        if (target.SequenceEqual("*"u8))
        {
            headers.Add(KnownHeader.Path, target);
            return method.SequenceEqual("OPTIONS"u8);
        }
        var scheme = target.IndexOf("://"u8);
        if (scheme <= 0 || !HttpText.EqualsIgnoreCase(target[..scheme], "http"u8) && !HttpText.EqualsIgnoreCase(target[..scheme], "https"u8)) return false;
        var rest = target[(scheme + 3)..];
        var path = rest.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
        var authority = path < 0 ? rest : rest[..path];
        if (authority.IsEmpty || authority.Contains((byte)'@')) return false;
        headers.Add(KnownHeader.Authority, authority);
        if (path >= 0 && rest[path] == '/') headers.Add(KnownHeader.Path, rest[path..]);
        else headers.Add(KnownHeader.Path, path < 0 ? "/"u8 : [(byte)'/', .. rest[path..]]);
        return true;
    }

    private static bool StatusLine(ReadOnlySpan<byte> line, HeaderMap headers, ref MessageFacts facts)
    {
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' ') return false;
        if (line.Length > 12 && line[12] != ' ' || !HttpText.IsFieldValue(line[8..])) return false;
        if (!HttpText.TryParseLength(line.Slice(9, 3), out var code) || code < 100) return false;
        facts.IsHttp10 = line[7] == '0';
        facts.Status = (int)code;
        headers.Add(KnownHeader.Status, line.Slice(9, 3));
        return true;
    }

    private static ParseStatus Fields(ReadOnlySpan<byte> head, int most, HeaderMap headers)
    {
        var count = 0;
        while (head.Length > 2)
        {
            var line = NextLine(ref head);
            var colon = line.IndexOf((byte)':');
            // A line that begins with a blank continues the one before (obs-fold): refused, like a blank before the colon.
            if (colon <= 0 || !HttpText.IsToken(line[..colon])) return ParseStatus.Bad;
            var value = HttpText.Trim(line[(colon + 1)..]);
            if (!HttpText.IsFieldValue(value)) return ParseStatus.Bad;
            if (++count > most) return ParseStatus.TooLarge;
            headers.AddLowering(line[..colon], value);
        }
        return ParseStatus.Done;
    }

    /// <summary>
    /// Content-Length and Transfer-Encoding: both, or either twice, or a length that is not plain digits, is refused
    /// (rows A1 to A6).
    /// </summary>
    private static ParseStatus Framing(HeaderMap headers, ref MessageFacts facts)
    {
        var hasLength = headers.TryGet(KnownHeader.ContentLength, out var length);
        var hasCoding = headers.TryGet(KnownHeader.TransferEncoding, out var coding);
        if (hasLength && hasCoding) return ParseStatus.Bad;
        if (hasLength)
        {
            if (headers.CountOf("content-length"u8) > 1 || !HttpText.TryParseLength(length, out facts.ContentLength)) return ParseStatus.Bad;
            facts.Body = facts.ContentLength > 0 ? BodyKind.Length : BodyKind.None;
        }
        if (hasCoding)
        {
            if (facts.IsHttp10 || headers.CountOf("transfer-encoding"u8) > 1) return ParseStatus.Bad;
            if (!HttpText.EqualsIgnoreCase(coding, "chunked"u8)) return ParseStatus.UnsupportedCoding;
            facts.Body = BodyKind.Chunked;
        }
        facts.KeepAlive = !facts.IsHttp10;
        var closes = false;
        for (var place = headers.Find("connection"u8, 0); place >= 0; place = headers.Find("connection"u8, place + 1))
        {
            var connection = headers.ValueAt(place);
            closes |= HttpText.ListContains(connection, "close"u8);
            facts.KeepAlive |= HttpText.ListContains(connection, "keep-alive"u8);
        }
        if (closes) facts.KeepAlive = false;
        return ParseStatus.Done;
    }

    /// <summary>Exactly one Host in HTTP/1.1; the authority of an absolute target wins over it (RFC 9112 section 3.2.2).</summary>
    private static bool Host(HeaderMap headers, in MessageFacts facts)
    {
        var place = headers.Find("host"u8, 0);
        if (place < 0)
        {
            if (!facts.IsHttp10) return false;
            if (!headers.Has(KnownHeader.Authority)) headers.Add(KnownHeader.Authority, ""u8);
            return true;
        }
        if (headers.Find("host"u8, place + 1) >= 0) return false;
        var host = headers.ValueAt(place);
        if (host.ContainsAny((byte)'@', (byte)'/', (byte)' ') || host.Contains((byte)',')) return false;
        if (!headers.Has(KnownHeader.Authority)) headers.Add(KnownHeader.Authority, host);
        headers.Remove("host"u8);
        return true;
    }
}
