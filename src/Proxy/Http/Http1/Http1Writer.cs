using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http1;

/// <summary>Writes the heads of HTTP/1 messages. Hop-by-hop headers of the map are left out: the caller says what holds for this hop.</summary>
internal static class Http1Writer
{
    /// <summary>Request line and headers, to an upstream.</summary>
    public static void Request(ref WriteBuffer output, HeaderMap headers, BodyKind body, bool upgrade)
    {
        output.Append(headers[KnownHeader.Method]);
        output.Append((byte)' ');
        output.Append(headers[KnownHeader.Path]);
        output.Append(" HTTP/1.1\r\nhost: "u8);
        output.Append(headers[KnownHeader.Authority]);
        output.Append("\r\n"u8);
        Fields(ref output, headers, upgrade);
        if (body == BodyKind.Chunked) output.Append("transfer-encoding: chunked\r\n"u8);
        else if (body == BodyKind.None && !upgrade && !headers.Has(KnownHeader.ContentLength) && MayHaveBody(headers[KnownHeader.Method])) output.Append("content-length: 0\r\n"u8);
        output.Append("\r\n"u8);
    }

    /// <summary>Whether a server may expect a body, and wants to be told that there is none. Source: RFC 9110 section 8.6; Envoy says so for the same methods.</summary>
    private static bool MayHaveBody(ReadOnlySpan<byte> method) => !(method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8) || method.SequenceEqual("DELETE"u8)
        || method.SequenceEqual("TRACE"u8) || method.SequenceEqual("CONNECT"u8));

    /// <summary>Status line and headers, to a client.</summary>
    public static void Response(ref WriteBuffer output, HeaderMap headers, int status, BodyKind body, bool close, bool upgrade)
    {
        output.Append("HTTP/1.1 "u8);
        output.AppendNumber(status);
        output.Append((byte)' ');
        output.Append(ReasonPhrases.Of(status));
        output.Append("\r\n"u8);
        Fields(ref output, headers, upgrade);
        if (body == BodyKind.Chunked) output.Append("transfer-encoding: chunked\r\n"u8);
        if (close && !upgrade) output.Append("connection: close\r\n"u8);
        output.Append("\r\n"u8);
    }

    /// <summary>The end of a chunked body, and its trailers. Source: RFC 9112 section 7.1.2.</summary>
    public static void LastChunk(ref WriteBuffer output, HeaderMap? trailers)
    {
        output.Append("0\r\n"u8);
        if (trailers is not null) Fields(ref output, trailers, upgrade: false);
        output.Append("\r\n"u8);
    }

    private static void Fields(ref WriteBuffer output, HeaderMap headers, bool upgrade)
    {
        for (var place = 0; place < headers.Places; place++)
        {
            if (!headers.TryAt(place, out var known, out var name, out var value)) continue;
            if (known is >= KnownHeader.Method and <= KnownHeader.Status) continue;
            if (HttpText.IsHop(known) && !(upgrade && known is KnownHeader.Connection or KnownHeader.Upgrade)
                && !(known == KnownHeader.Te && HttpText.EqualsIgnoreCase(value, "trailers"u8)))
                continue;
            output.Append(name);
            output.Append(": "u8);
            output.Append(value);
            output.Append("\r\n"u8);
        }
    }
}

/// <summary>The words beside status codes. Source: RFC 9110 section 15.</summary>
internal static class ReasonPhrases
{
    public static ReadOnlySpan<byte> Of(int status) => status switch
    {
        100 => "Continue"u8, 101 => "Switching Protocols"u8, 102 => "Processing"u8, 103 => "Early Hints"u8,
        200 => "OK"u8, 201 => "Created"u8, 202 => "Accepted"u8, 203 => "Non-Authoritative Information"u8, 204 => "No Content"u8,
        205 => "Reset Content"u8, 206 => "Partial Content"u8,
        300 => "Multiple Choices"u8, 301 => "Moved Permanently"u8, 302 => "Found"u8, 303 => "See Other"u8, 304 => "Not Modified"u8,
        307 => "Temporary Redirect"u8, 308 => "Permanent Redirect"u8,
        400 => "Bad Request"u8, 401 => "Unauthorized"u8, 403 => "Forbidden"u8, 404 => "Not Found"u8, 405 => "Method Not Allowed"u8,
        406 => "Not Acceptable"u8, 408 => "Request Timeout"u8, 409 => "Conflict"u8, 410 => "Gone"u8, 411 => "Length Required"u8,
        412 => "Precondition Failed"u8, 413 => "Payload Too Large"u8, 414 => "URI Too Long"u8, 415 => "Unsupported Media Type"u8,
        417 => "Expectation Failed"u8, 418 => "I'm a teapot"u8, 421 => "Misdirected Request"u8, 422 => "Unprocessable Entity"u8,
        426 => "Upgrade Required"u8, 429 => "Too Many Requests"u8, 431 => "Request Header Fields Too Large"u8,
        500 => "Internal Server Error"u8, 501 => "Not Implemented"u8, 502 => "Bad Gateway"u8, 503 => "Service Unavailable"u8,
        504 => "Gateway Timeout"u8, 505 => "HTTP Version Not Supported"u8,
        _ => "Unknown"u8,
    };
}
