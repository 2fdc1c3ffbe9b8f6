using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// The time that a whole stream may take, request and response together. Reused with its exchange; owned by one worker. Source:
/// Envoy's "max_stream_duration" and "grpc_timeout_header_max".
/// </summary>
internal sealed class DurationLimit
{
    private readonly HttpExchange _exchange;
    private readonly ActionTimer _timer;

    public DurationLimit(HttpExchange exchange)
    {
        _exchange = exchange;
        _timer = new ActionTimer(() =>
        {
            exchange.Hcm.Stats.Add(exchange.Worker, HttpStats.RqMaxDurationReached);
            exchange.CutShort(EndReason.MaxStreamDuration);
        });
    }

    /// <summary>Begins with the time of the connection manager.</summary>
    public void Begin(HcmSnapshot hcm)
    {
        if (hcm.MaxStreamDurationMs > 0) _exchange.Worker.StartTimer(_timer, hcm.MaxStreamDurationMs);
    }

    /// <summary>The route is chosen: its time holds instead, counted from the start of the stream.</summary>
    public void OnRoute(RouteEntry route)
    {
        if (DurationOf(route) is not { } duration) return;
        var worker = _exchange.Worker;
        if (duration > 0) worker.StartTimer(_timer, Math.Max(1, _exchange.Info.Start + duration - worker.Now));
        else worker.StopTimer(_timer);
    }

    public void End() => _exchange.Worker.StopTimer(_timer);

    /// <summary>Milliseconds, 0 for no limit, null when the route says nothing.</summary>
    private long? DurationOf(RouteEntry route)
    {
        if (route.GrpcTimeoutMaxMs is not { } most || GrpcTimeout.Parse(_exchange.Request[KnownHeader.GrpcTimeout]) is not { } asked) return route.MaxStreamDurationMs;
        var limited = most > 0 ? Math.Min(asked, most) : asked;
        // What the client asks for, less the time that the answer needs on its way back.
        return Math.Max(1, limited - Math.Min(limited, route.GrpcTimeoutOffsetMs));
    }
}
