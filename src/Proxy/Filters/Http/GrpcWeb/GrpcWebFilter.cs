using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.GrpcWeb;

/// <summary>
/// Lets browsers call gRPC services: their requests become gRPC, and trailers of the answers become the last frame of the body. Immutable.
/// Source: grpc/grpc doc/PROTOCOL-WEB.md, and Envoy's gRPC-Web filter.
/// </summary>
internal sealed class GrpcWebFilter : IHttpFilter
{
    private const string State = "envoy.filters.http.grpc_web";
    private const long LargestMessage = 4096;
    private static readonly object Binary = new(), Text = new();

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var request = exchange.Request;
        if (FormOf(request[KnownHeader.ContentType]) is { } isText)
        {
            // parity: the form of the answer is what the client accepts, not what it sends.
            var wantsText = request.TryGet("accept"u8, out var accept) && FormOf(accept) == true;
            exchange.Info.FilterState.Set(State, wantsText ? Text : Binary);
            exchange.IsGrpcWeb = true;
            // The length of the text is not that of the bytes.
            request.Remove(KnownHeader.ContentLength);
            if (exchange.Bodies.RequestKind != BodyKind.None) exchange.Bodies.Request = isText ? new Base64Body(exchange.Bodies.RequestSource()) : exchange.Bodies.RequestSource();
            request.Set(KnownHeader.ContentType, "application/grpc"u8);
            request.Set(KnownHeader.Te, "trailers"u8);
            request.Set("grpc-accept-encoding"u8, "identity"u8);
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public async ValueTask<FilterResult> OnResponseAsync(HttpExchange exchange)
    {
        if (exchange.Info.FilterState.Find(State) is not { } form) return FilterResult.Continue;
        var (response, isText) = (exchange.Response, form == Text);
        if (!response[KnownHeader.ContentType].StartsWith("application/grpc"u8)) await ExplainAsync(exchange);
        response.Set(KnownHeader.ContentType, isText ? "application/grpc-web-text+proto"u8 : "application/grpc-web+proto"u8);
        // A head that carries the status is the whole answer.
        if (response.Has(KnownHeader.GrpcStatus)) return FilterResult.Continue;
        response.Remove(KnownHeader.ContentLength);
        exchange.Bodies.Response = new TrailersInBody(exchange.Bodies.ResponseSource(), isText);
        return FilterResult.Continue;
    }

    /// <summary>True for text, false for bytes, null for what is no gRPC-Web.</summary>
    private static bool? FormOf(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("application/grpc-web"u8) || type.SequenceEqual("application/grpc-web+proto"u8) ? false
        : type.SequenceEqual("application/grpc-web-text"u8) || type.SequenceEqual("application/grpc-web-text+proto"u8) ? true
        : null;

    /// <summary>Source: grpc/grpc doc/PROTOCOL-HTTP2.md, Percent-Encoded.</summary>
    private static string Escape(ReadOnlySpan<byte> text)
    {
        var escaped = new System.Text.StringBuilder();
        foreach (var b in text)
            if (b is >= 0x20 and <= 0x7e and not (byte)'%') escaped.Append((char)b);
            else escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"%{b:X2}");
        return escaped.ToString();
    }

    /// <summary>What is no gRPC answer becomes a gRPC status that says so, with the body as its message. parity: the HTTP status stays.</summary>
    private static async ValueTask ExplainAsync(HttpExchange exchange)
    {
        var (status, bytes) = await BodyHold.ResponseAsync(exchange, LargestMessage, partWillDo: true);
        var message = status == HoldStatus.Gone || bytes.IsEmpty ? "" : Escape(bytes.Span[..(int)Math.Min(bytes.Length, LargestMessage)]);
        exchange.Response.Set(KnownHeader.GrpcStatus, System.Text.Encoding.ASCII.GetBytes(Upstream.Grpc.GrpcStream.StatusOf(exchange.ResponseStatus).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (message.Length > 0) exchange.Response.Set(KnownHeader.GrpcMessage, System.Text.Encoding.ASCII.GetBytes(message));
        exchange.Response.Set(KnownHeader.ContentLength, "0"u8);
        exchange.Bodies.Response = new HeldBody(default, status == HoldStatus.Part ? new DroppedBody(exchange.Bodies.ResponseSource()) : null);
    }
}
