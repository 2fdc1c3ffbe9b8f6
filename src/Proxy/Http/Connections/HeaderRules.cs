using System.Globalization;
using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// What the connection manager itself does to headers. Source: Envoy, source/common/http/conn_manager_utility.cc, as its
/// documentation "HTTP header manipulation" describes it.
/// </summary>
internal static class HeaderRules
{
    private static readonly KnownHeader[] EnvoyControlHeaders =
    [
        KnownHeader.EnvoyInternal, KnownHeader.EnvoyRetryOn, KnownHeader.EnvoyRetryGrpcOn, KnownHeader.EnvoyMaxRetries, KnownHeader.EnvoyTimeoutMs,
        KnownHeader.EnvoyPerTryTimeoutMs, KnownHeader.EnvoyRetriableStatusCodes, KnownHeader.EnvoyRetriableHeaderNames, KnownHeader.EnvoyHedgeOnPerTryTimeout,
        KnownHeader.EnvoyExpectedTimeout, KnownHeader.EnvoyForceTrace, KnownHeader.EnvoyIpTags, KnownHeader.EnvoyOriginalPath, KnownHeader.EnvoyOriginalHost,
        KnownHeader.EnvoyDecoratorOperation, KnownHeader.EnvoyDownstreamCluster, KnownHeader.EnvoyDownstreamNode,
    ];

    /// <summary>Prepares a request for routing; a reason when it is refused.</summary>
    public static EndReason PrepareRequest(HttpExchange exchange, out bool isUpgrade)
    {
        isUpgrade = false;
        var (request, hcm) = (exchange.Request, exchange.Hcm);
        if (!request.Has(KnownHeader.Path))
        {
            if (!hcm.AllowConnect) return EndReason.RouteNotFound;
            request.Add(KnownHeader.Path, "/"u8);
        }
        else if (NormalizePath(exchange) is var path and not EndReason.None) return path;
        if (hcm.UnderscoreHeaders != UnderscoreHeaders.Allow && !CheckUnderscores(request, hcm.UnderscoreHeaders)) return EndReason.UnderscoreHeader;
        // parity: Envoy refuses a path with a fragment, which a client never sends.
        if (request[KnownHeader.Path].Contains((byte)'#')) return EndReason.PathRefused;
        var scheme = exchange.Info.DownstreamTls is null ? "http"u8 : "https"u8;
        request.Set(KnownHeader.Scheme, scheme);
        if (request.TryGet(KnownHeader.Upgrade, out var upgrade) && HttpText.ListContains(request[KnownHeader.Connection], "upgrade"u8))
        {
            isUpgrade = HttpText.EqualsIgnoreCase(upgrade, "websocket"u8) && hcm.AllowWebSocket;
            // h2c is an offer that may be declined; anything else was asked for.
            if (!isUpgrade && !HttpText.EqualsIgnoreCase(upgrade, "h2c"u8)) return EndReason.UpgradeRefused;
            if (!isUpgrade)
            {
                request.Remove(KnownHeader.Upgrade);
                request.Remove("http2-settings"u8);
            }
        }
        RemoveNominated(request);
        // parity: of what the client takes in a transfer, only trailers are passed on.
        if (request.TryGet(KnownHeader.Te, out var te) && !HttpText.EqualsIgnoreCase(te, "trailers"u8))
        {
            if (TakesTrailers(te)) request.Set(KnownHeader.Te, "trailers"u8);
            else request.Remove(KnownHeader.Te);
        }
        if (!hcm.Proxy100Continue) request.Remove(KnownHeader.Expect);
        Addresses(exchange);
        ForwardedClientCert.Apply(exchange);
        foreach (var header in EnvoyControlHeaders) request.Remove(header);
        RequestId(exchange);
        if (!request.Has(KnownHeader.ForwardedProto)) request.Add(KnownHeader.ForwardedProto, scheme);
        if (hcm.Via.Length > 0) AppendList(exchange, request, KnownHeader.Via, hcm.Via);
        return EndReason.None;
    }

    /// <summary>Escaped slashes first, then dot segments, then repeated slashes: Envoy's order.</summary>
    private static EndReason NormalizePath(HttpExchange exchange)
    {
        var (request, hcm) = (exchange.Request, exchange.Hcm);
        if (hcm.EscapedSlashes != EscapedSlashes.Keep && PathNormalizer.UnescapeSlashes(request, exchange.Scratch))
        {
            if (hcm.EscapedSlashes == EscapedSlashes.Reject) return EndReason.PathRefused;
            if (hcm.EscapedSlashes == EscapedSlashes.UnescapeAndRedirect)
                return hcm.NormalizePath && !PathNormalizer.Normalize(request, exchange.Scratch, hcm.MergeSlashes) ? EndReason.PathRefused : EndReason.PathRedirected;
        }
        return hcm.NormalizePath && !PathNormalizer.Normalize(request, exchange.Scratch, hcm.MergeSlashes) ? EndReason.PathRefused : EndReason.None;
    }

    /// <summary>Servers that turn both into CGI variables take a_b for a-b: a client could dress up a header that policy looks at (row A17).</summary>
    private static bool CheckUnderscores(HeaderMap request, UnderscoreHeaders action)
    {
        for (var place = 0; place < request.Places; place++)
        {
            if (!request.TryAt(place, out _, out var name, out _) || !name.Contains((byte)'_')) continue;
            if (action == UnderscoreHeaders.Reject) return false;
            request.Remove(name);
        }
        return true;
    }

    private static bool TakesTrailers(ReadOnlySpan<byte> list)
    {
        while (!list.IsEmpty)
        {
            var comma = list.IndexOf((byte)',');
            var item = comma < 0 ? list : list[..comma];
            list = comma < 0 ? default : list[(comma + 1)..];
            var weight = item.IndexOf((byte)';');
            if (HttpText.EqualsIgnoreCase(HttpText.Trim(weight < 0 ? item : item[..weight]), "trailers"u8)) return true;
        }
        return false;
    }

    /// <summary>
    /// Headers that Connection names are for this hop alone (RFC 9110 section 7.6.1). A client may not have those removed by which the
    /// mesh tells where a request came from.
    /// </summary>
    private static void RemoveNominated(HeaderMap request)
    {
        Span<byte> room = stackalloc byte[128];
        for (var place = request.Find("connection"u8, 0); place >= 0; place = request.Find("connection"u8, place + 1))
        {
            for (var list = request.ValueAt(place); !list.IsEmpty;)
            {
                var comma = list.IndexOf((byte)',');
                var token = HttpText.Trim(comma < 0 ? list : list[..comma]);
                list = comma < 0 ? default : list[(comma + 1)..];
                if (token.Length == 0 || token.Length > room.Length || HttpText.EqualsIgnoreCase(token, "close"u8) || HttpText.EqualsIgnoreCase(token, "keep-alive"u8)) continue;
                var name = room[..token.Length];
                Ascii.ToLower(token, name, out _);
                if (name[0] == ':' || name.StartsWith("x-forwarded-"u8) || name.SequenceEqual("host"u8) || HttpText.IsHop(KnownHeaders.Find(name))) continue;
                request.Remove(name);
            }
        }
    }

    /// <summary>Prepares a response for the client.</summary>
    public static void FinishResponse(HttpExchange exchange)
    {
        var (response, hcm) = (exchange.Response, exchange.Hcm);
        switch (hcm.ServerHeader)
        {
            case ServerHeader.Overwrite:
                response.Set(KnownHeader.Server, hcm.ServerName);
                break;
            case ServerHeader.AppendIfAbsent when !response.Has(KnownHeader.Server):
                response.Add(KnownHeader.Server, hcm.ServerName);
                break;
        }
        if (exchange.NewCookie is { } cookie) response.Add(KnownHeader.SetCookie, Encoding.ASCII.GetBytes(cookie));
        if (!response.Has(KnownHeader.Date)) response.Add(KnownHeader.Date, DateText.Of(exchange.Worker.UtcNow));
        if (hcm.AlwaysSetRequestIdInResponse && exchange.Request.TryGet(KnownHeader.RequestId, out var id)) response.Set(KnownHeader.RequestId, id);
        if (hcm.Via.Length > 0) AppendList(exchange, response, KnownHeader.Via, hcm.Via);
    }

    private static void Addresses(HttpExchange exchange)
    {
        var (request, hcm, info) = (exchange.Request, exchange.Hcm, exchange.Info);
        if (hcm.UseRemoteAddress)
        {
            Span<byte> text = stackalloc byte[64];
            var address = text[..info.DownstreamDirectRemote.Format(text, withPort: false)];
            if (!hcm.SkipForwardedFor) AppendList(exchange, request, KnownHeader.ForwardedFor, address);
            request.Set(KnownHeader.ForwardedProto, exchange.Info.DownstreamTls is null ? "http"u8 : "https"u8);
            if (hcm.TrustedHops == 0)
            {
                request.Set(KnownHeader.EnvoyExternalAddress, address);
                return;
            }
        }
        // The trusted end of x-forwarded-for: the last entry, or that many hops before it.
        if (!request.TryGet(KnownHeader.ForwardedFor, out var list)) return;
        for (var hops = hcm.UseRemoteAddress ? hcm.TrustedHops : hcm.TrustedHops; ; hops--)
        {
            var comma = list.LastIndexOf((byte)',');
            if (hops <= 0 || comma < 0)
            {
                var last = Encoding.ASCII.GetString(HttpText.Trim(comma < 0 ? list : list[(comma + 1)..]));
                if (Network.SocketAddress.TryParse(last, 0, out var remote)) info.DownstreamRemote = remote;
                return;
            }
            list = list[..comma];
        }
    }

    private static void RequestId(HttpExchange exchange)
    {
        var (request, hcm) = (exchange.Request, exchange.Hcm);
        if (!hcm.GenerateRequestId) return;
        if (request.Has(KnownHeader.RequestId) && (!hcm.UseRemoteAddress || hcm.PreserveExternalRequestId)) return;
        Span<byte> id = stackalloc byte[36];
        RequestIds.Write(exchange.Worker.Random, id);
        request.Set(KnownHeader.RequestId, id);
    }

    private static void AppendList(HttpExchange exchange, HeaderMap headers, KnownHeader header, ReadOnlySpan<byte> value)
    {
        if (!headers.TryGet(header, out var before))
        {
            headers.Add(header, value);
            return;
        }
        var joined = exchange.Scratch;
        joined.Clear();
        joined.Append(before);
        joined.Append((byte)',');
        joined.Append(value);
        headers.Set(header, joined.Span);
    }
}

/// <summary>Random version 4 UUIDs (RFC 9562 section 5.4) as text.</summary>
internal static class RequestIds
{
    public static void Write(Random random, Span<byte> target)
    {
        var hex = "0123456789abcdef"u8;
        ulong high = (ulong)random.NextInt64() << 1 ^ (ulong)random.NextInt64(), low = (ulong)random.NextInt64() << 1 ^ (ulong)random.NextInt64();
        var at = 0;
        for (var nibble = 0; nibble < 32; nibble++)
        {
            if (nibble is 8 or 12 or 16 or 20) target[at++] = (byte)'-';
            var value = (int)((nibble < 16 ? high >> (60 - nibble * 4) : low >> (124 - nibble * 4)) & 15);
            target[at++] = nibble switch
            {
                12 => (byte)'4',
                16 => hex[8 | (value & 3)],
                _ => hex[value],
            };
        }
    }
}

/// <summary>The Date header, formatted once a second. Any thread.</summary>
internal static class DateText
{
    private static byte[] _text = [];
    private static long _second;

    public static ReadOnlySpan<byte> Of(DateTime utc)
    {
        var second = utc.Ticks / TimeSpan.TicksPerSecond;
        if (Volatile.Read(ref _second) != second)
        {
            Volatile.Write(ref _text, Encoding.ASCII.GetBytes(utc.ToString("R", CultureInfo.InvariantCulture)));
            Volatile.Write(ref _second, second);
        }
        return Volatile.Read(ref _text);
    }
}
