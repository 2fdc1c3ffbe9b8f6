using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Bench.Fuzz;

/// <summary>Something that takes bytes from strangers. It throws when one of its promises is broken.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Seeds">Inputs of our own making that mutation starts from.</param>
/// <param name="Try">Tries one input; an exception is a finding.</param>
internal sealed record FuzzTarget(string Name, byte[][] Seeds, Action<byte[]> Try)
{
    /// <summary>All targets.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("http1-request", Http1Seeds.Requests, input => Http1Promises.Try(input, responses: false)),
        new("http1-response", Http1Seeds.Responses, input => Http1Promises.Try(input, responses: true)),
        new("http1-body", Http1Seeds.Bodies, Http1Promises.TryBody),
    ];
}

/// <summary>A broken promise of a parser.</summary>
internal sealed class PromiseBrokenException(string what) : Exception(what);

/// <summary>What the HTTP/1 parsers promise of any input.</summary>
internal static class Http1Promises
{
    /// <summary>
    /// Nothing throws; no more is consumed than there is; what is taken does not depend on how it arrives; what is incomplete is not
    /// refused for being so; a head that is taken holds no bytes that could end a line.
    /// </summary>
    public static void Try(byte[] input, bool responses)
    {
        var whole = Parse(input, input.Length, responses, out var headers, out var consumed);
        if (consumed < 0 || consumed > input.Length) throw new PromiseBrokenException($"consumed {consumed} of {input.Length}");
        if (whole == ParseStatus.Done)
        {
            for (var place = 0; place < headers.Places; place++)
                if (headers.TryAt(place, out _, out var name, out var value) && (name.ContainsAny("\r\n\0"u8) || value.ContainsAny("\r\n\0"u8)))
                    throw new PromiseBrokenException("a header holds the end of a line");
            // The head alone gives the same, one byte less gives no more than "incomplete".
            if (Parse(input, consumed, responses, out _, out var again) != ParseStatus.Done || again != consumed) throw new PromiseBrokenException("the head alone is read differently");
            if (Parse(input, consumed - 1, responses, out _, out _) is not (ParseStatus.Incomplete or ParseStatus.TooLarge)) throw new PromiseBrokenException("a head without its last byte is taken or refused");
        }
        // A prefix that is refused means that the whole is refused.
        var half = input.Length / 2;
        if (Parse(input, half, responses, out _, out _) is ParseStatus.Bad && whole is ParseStatus.Done && consumed > half) throw new PromiseBrokenException("a prefix of a good head is refused");
    }

    /// <summary>The same bytes by one arrival and by two give the same body and the same verdict.</summary>
    public static void TryBody(byte[] input)
    {
        var whole = Body(input, input.Length);
        var split = Body(input, input.Length == 0 ? 0 : input[0] % (input.Length + 1));
        if (whole != split) throw new PromiseBrokenException($"whole: {whole}; split: {split}");
    }

    private static ParseStatus Parse(byte[] input, int length, bool responses, out HeaderMap headers, out int consumed)
    {
        headers = new HeaderMap();
        var facts = default(MessageFacts);
        var limits = Http1Limits.Default with { AcceptHttp10 = true };
        return responses ? Http1Parser.ParseResponse(input.AsSpan(0, length), limits, answersHead: false, headers, ref facts, out consumed) : Http1Parser.ParseRequest(input.AsSpan(0, length), limits, headers, ref facts, out consumed);
    }

    private static string Body(byte[] input, int cut)
    {
        var body = default(BodyReader);
        body.Begin(BodyKind.Chunked, 0);
        var (text, trailers, start, end) = (new StringBuilder(), new HeaderMap(), 0, cut);
        while (true)
        {
            var step = body.Next(input.AsSpan(start, end - start), trailers, out var consumed, out var length);
            if (consumed < length || start + consumed > end) throw new PromiseBrokenException("more is consumed than there is");
            text.Append(Encoding.Latin1.GetString(input, start + consumed - length, length));
            start += consumed;
            switch (step)
            {
                case BodyStep.End:
                    return $"{text} ends at {start}";
                case BodyStep.Bad:
                    return $"{text} is bad";
                case BodyStep.NeedMore when end == input.Length:
                    return $"{text} goes on";
                case BodyStep.NeedMore:
                    end = input.Length;
                    break;
            }
        }
    }
}

/// <summary>Good messages to begin with.</summary>
internal static class Http1Seeds
{
    public static byte[][] Requests { get; } = Bytes(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nPOST /a/b?c=d#e HTTP/1.1\r\nHost: example.test:80\r\nX-One: 1\r\nx-one:\t two \r\nContent-Length: 3\r\n\r\nabc",
        "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, TE\r\nTE: trailers\r\n\r\n",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a.test?x HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    public static byte[][] Responses { get; } = Bytes(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 \r\nConnection: close\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nServer: \"x\"\r\n\r\n5\r\nhello\r\n0\r\n\r\n");

    public static byte[][] Bodies { get; } = Bytes(
        "5\r\nhello\r\n0\r\n\r\n",
        "4\r\nWiki\r\n5;name=value;flag\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nX-Trailer: yes\r\n\r\nNEXT",
        "0000001\r\n\r\r\n00;a=\"b\"\r\nA: b\r\nc:\r\n\r\n",
        "fffffffffffffff\r\n");

    private static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.Latin1.GetBytes)];
}
