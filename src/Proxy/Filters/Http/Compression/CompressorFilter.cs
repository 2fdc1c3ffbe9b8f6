using System.Globalization;
using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.Compression;

/// <summary>
/// Compresses responses for clients that accept it, and requests when asked to. Immutable. Source: Envoy's compressor filter.
/// differs: of several compressors in a chain the one nearest to the upstream that the client accepts is used, whatever the client prefers.
/// </summary>
internal sealed class CompressorFilter(string name, CompressorSettings settings) : IHttpFilter
{
    private readonly string _state = "envoy.filters.http.compressor/" + name;
    private static readonly object Accepted = new();

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var route = exchange.RouteConfig<CompressorRoute>(name);
        if (route is not { IsDisabled: true })
        {
            var request = exchange.Request;
            if (settings.Response.IsOn && Accepts(exchange, route)) exchange.Info.FilterState.Set(_state, Accepted);
            if (route?.HidesAccept ?? settings.HidesAccept) request.Remove("accept-encoding"u8);
            if (settings.Request.IsOn && exchange is { IsUpgrade: false } && exchange.Bodies.RequestKind != BodyKind.None)
            {
                if (CanCompress(request, settings.Request, exchange.Worker))
                {
                    Mark(request, settings.Request, LibraryOf(route).Encoding, exchange.Worker);
                    exchange.Bodies.Request = new CompressedBody(exchange.Bodies.RequestSource(), LibraryOf(route).Create(), Counter(settings.Request.Stats, exchange.Worker));
                }
                else settings.Request.Stats.Add(exchange.Worker, CompressionStats.NotCompressed);
            }
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
        if (!settings.Response.IsOn || exchange.RouteConfig<CompressorRoute>(name) is { IsDisabled: true }) return;
        var (response, worker, stats) = (exchange.Response, exchange.Worker, settings.Response.Stats);
        var hasBody = !exchange.IsHead && !exchange.IsUpgrade && exchange.ResponseStatus is >= 200 and not (204 or 304) && !response[KnownHeader.ContentLength].SequenceEqual("0"u8);
        var canCompress = AllowsTag(response, worker) && CanCompress(response, settings.Response, worker);
        // Who asks in another way gets another answer: caches must know.
        if (canCompress) Vary(response);
        if (!hasBody || !canCompress || exchange.Info.FilterState.Find(_state) is null || settings.LeftAlone.Contains(exchange.ResponseStatus))
        {
            stats.Add(worker, CompressionStats.NotCompressed);
            return;
        }
        var library = LibraryOf(exchange.RouteConfig<CompressorRoute>(name));
        // What is strong of the bytes is not so of their compressed form.
        if (response.TryGet("etag"u8, out var tag) && !(tag.StartsWith("W/"u8) || tag.StartsWith("w/"u8))) response.Remove("etag"u8);
        Mark(response, settings.Response, library.Encoding, worker);
        exchange.Bodies.Response = new CompressedBody(exchange.Bodies.ResponseSource(), library.Create(), Counter(stats, worker));
    }

    private CompressorLibrary LibraryOf(CompressorRoute? route) => route?.Library ?? settings.Library;

    /// <summary>By RFC 9110 section 12.5.3.</summary>
    private bool Accepts(HttpExchange exchange, CompressorRoute? route)
    {
        var (stats, worker) = (settings.Accepting, exchange.Worker);
        if (!exchange.Request.TryGet("accept-encoding"u8, out var accept))
        {
            stats.Add(worker, CompressionStats.NoAcceptHeader);
            return false;
        }
        double? own = null, any = null, identity = null;
        foreach (var item in Encoding.ASCII.GetString(accept).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = item.Split(';', StringSplitOptions.TrimEntries);
            var quality = 1.0;
            if (parts.Length > 1 && (!parts[1].StartsWith("q=", StringComparison.OrdinalIgnoreCase) || !double.TryParse(parts[1].AsSpan(2), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out quality)))
            {
                stats.Add(worker, CompressionStats.HeaderNotValid);
                return false;
            }
            if (parts[0].Equals(LibraryOf(route).Encoding, StringComparison.OrdinalIgnoreCase)) own = quality;
            else if (parts[0] == "*") any = quality;
            else if (parts[0].Equals("identity", StringComparison.OrdinalIgnoreCase)) identity = quality;
        }
        var accepted = own ?? any ?? 0;
        if (accepted <= 0 || identity > accepted)
        {
            stats.Add(worker, CompressionStats.HeaderIdentity);
            return false;
        }
        stats.Add(worker, CompressionStats.HeaderUsed);
        return true;
    }

    private bool AllowsTag(HeaderMap response, Worker worker)
    {
        if (!settings.NotWithETag || response.Find("etag"u8, 0) < 0) return true;
        settings.Response.Stats.Add(worker, CompressionStats.NotWithETag);
        return false;
    }

    private static bool CanCompress(HeaderMap headers, CompressedDirection direction, Worker worker)
    {
        if (headers.Find("content-encoding"u8, 0) >= 0) return false;
        if (headers.TryGet("cache-control"u8, out var control) && HttpText.ListContains(control, "no-transform"u8)) return false;
        if (HttpText.TryParseLength(headers[KnownHeader.ContentLength], out var length) && length < direction.MinBytes)
        {
            direction.Stats.Add(worker, CompressionStats.TooSmall);
            return false;
        }
        // parity: what does not say its type is compressed.
        var type = Encoding.ASCII.GetString(headers[KnownHeader.ContentType]).Split(';')[0].Trim();
        return type.Length == 0 || direction.Types.Contains(type);
    }

    private static void Mark(HeaderMap headers, CompressedDirection direction, string encoding, Worker worker)
    {
        headers.Remove(KnownHeader.ContentLength);
        headers.Set("content-encoding"u8, Encoding.ASCII.GetBytes(encoding));
        direction.Stats.Add(worker, CompressionStats.Compressed);
    }

    private static void Vary(HeaderMap response)
    {
        if (!response.TryGet(KnownHeader.Vary, out var vary) || vary.IsEmpty) response.Set(KnownHeader.Vary, "Accept-Encoding"u8);
        else if (!HttpText.ListContains(vary, "accept-encoding"u8) && !vary.SequenceEqual("*"u8)) response.Set(KnownHeader.Vary, [.. vary, .. ", Accept-Encoding"u8]);
    }

    private static Action<int, int> Counter(CompressionStats stats, Worker worker) => (before, after) =>
    {
        stats.Add(worker, CompressionStats.BytesBefore, before);
        stats.Add(worker, CompressionStats.BytesAfter, after);
    };
}
