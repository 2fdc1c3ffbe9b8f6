using Envoy.Extensions.Filters.Http.Buffer.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.Buffering;

/// <summary>
/// Holds each request until its body is there, so that the upstream gets it in one go and with its length; one that is too large is answered
/// with 413. Immutable. Source: Envoy's buffer filter.
/// </summary>
internal sealed class BufferFilter(string name, long mostBytes) : IHttpFilter
{
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var route = exchange.RouteConfig<BufferRoute>(name);
        if (route is { IsDisabled: true } || exchange.IsUpgrade || exchange.Bodies.RequestKind == BodyKind.None) return FilterResult.Continue;
        var (status, bytes) = await BodyHold.RequestAsync(exchange, route?.MostBytes ?? mostBytes, partWillDo: false);
        if (status == HoldStatus.TooLarge)
        {
            await exchange.ReplyAsync(EndReason.PayloadTooLarge);
            return FilterResult.Stop;
        }
        if (exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }
        // Trailers need chunks behind which they come.
        if (!exchange.Request.Has(KnownHeader.ContentLength) && exchange.RequestTrailers is not { Count: > 0 }) BodyHold.SetLength(exchange.Request, bytes.Length);
        return FilterResult.Continue;
    }
}

/// <summary>What a route says to the filter. Bytes. Immutable.</summary>
internal sealed record BufferRoute(bool IsDisabled, long MostBytes)
{
    public static BufferRoute Compile(BufferPerRoute config, string path) => config.OverrideCase switch
    {
        BufferPerRoute.OverrideOneofCase.Disabled => config.Disabled ? new BufferRoute(true, 0) : throw new ConfigRefusedException(path + ".disabled", "may only be true"),
        BufferPerRoute.OverrideOneofCase.Buffer => new BufferRoute(false, Limit(config.Buffer, path + ".buffer")),
        _ => throw new ConfigRefusedException(path, "has no override"),
    };

    /// <summary>The limit that a configuration must have.</summary>
    public static long Limit(Envoy.Extensions.Filters.Http.Buffer.V3.Buffer config, string path) =>
        config.MaxRequestBytes is { } most and > 0 ? most : throw new ConfigRefusedException(path + ".max_request_bytes", "is missing or 0");
}
