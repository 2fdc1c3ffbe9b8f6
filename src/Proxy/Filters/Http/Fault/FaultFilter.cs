using System.Globalization;
using System.Runtime.CompilerServices;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Http.Fault;

/// <summary>Delays and aborts requests, as its own settings or those of the route say. Source: Envoy's fault injection filter.</summary>
internal sealed class FaultFilter(string name, FaultSettings? own) : IHttpFilter
{
    private const long LongestHeaderDelayMs = 3_600_000;
    private long _active;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var settings = exchange.RouteConfig<FaultSettings>(name) ?? own;
        if (settings is null || !Applies(settings, exchange)) return FilterResult.Continue;
        var worker = exchange.Worker;
        var delay = DelayOf(settings, exchange);
        if (delay > 0 && Interlocked.Increment(ref _active) <= settings.MaxActive)
        {
            exchange.Info.Flags |= ResponseFlags.DelayInjected;
            exchange.Hcm.Stats.Add(worker, HttpStats.FaultDelays);
            var over = await exchange.DelayAsync(delay);
            Interlocked.Decrement(ref _active);
            if (!over) return FilterResult.Stop;
        }
        else if (delay > 0) Interlocked.Decrement(ref _active);
        if (!TryAbort(settings, exchange, out var status, out var grpc)) return FilterResult.Continue;
        exchange.Hcm.Stats.Add(worker, HttpStats.FaultAborts);
        await exchange.ReplyAsync(EndReason.FaultAbort, status, grpcStatus: grpc);
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    private static bool Applies(FaultSettings settings, HttpExchange exchange)
    {
        foreach (var header in settings.Headers)
            if (!header.IsMatch(exchange.Request))
                return false;
        return true;
    }

    private static long DelayOf(FaultSettings settings, HttpExchange exchange)
    {
        if (settings.HeaderDelay)
            return Number(exchange, KnownHeader.FaultDelay) is { } given && Hits(Math.Min(settings.DelayPercent, Number(exchange, KnownHeader.FaultDelayPercentage) ?? settings.DelayPercent), exchange)
                ? Math.Min(given, LongestHeaderDelayMs)
                : 0;
        return settings.DelayMs > 0 && Hits(settings.DelayPercent, exchange) ? settings.DelayMs : 0;
    }

    private static bool TryAbort(FaultSettings settings, HttpExchange exchange, out int status, out int? grpc)
    {
        (status, grpc) = (settings.AbortStatus, settings.AbortGrpcStatus);
        if (settings.HeaderAbort)
        {
            if (Number(exchange, KnownHeader.FaultAbort) is not ({ } given and >= 200 and <= 599)) return false;
            status = (int)given;
            return Hits(Math.Min(settings.AbortPercent, Number(exchange, KnownHeader.FaultAbortPercentage) ?? settings.AbortPercent), exchange);
        }
        if (grpc is not null) status = 200;
        return (status != 0 || grpc is not null) && Hits(settings.AbortPercent, exchange);
    }

    private static bool Hits(double percent, HttpExchange exchange) => percent >= 100 || percent > 0 && exchange.Worker.Random.NextDouble() * 100 < percent;

    private static long? Number(HttpExchange exchange, KnownHeader header) =>
        exchange.Request.TryGet(header, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
