namespace Lateen.Proxy.Stats;

/// <summary>Statistics of a connection manager. Source: Envoy's "HTTP connection manager statistics".</summary>
internal sealed class HttpStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int CxTotal = 0, CxActive = 1, CxHttp1Total = 2, CxHttp1Active = 3, CxDestroy = 4, CxDestroyRemote = 5, CxProtocolError = 6, CxRxBytes = 7, CxTxBytes = 8, CxDrainClose = 9,
        CxIdleTimeout = 10, CxUpgradesTotal = 11, CxUpgradesActive = 12, RqTotal = 13, RqHttp1Total = 14, RqActive = 15, RqRxReset = 16, RqTooLarge = 17, RqIdleTimeout = 18,
        RqTimeout = 19, RqHeaderTimeout = 20, Rq1xx = 21, Rq2xx = 22, Rq3xx = 23, Rq4xx = 24, Rq5xx = 25, RqTime = 26, RqCompleted = 27, NoRoute = 28, NoCluster = 29, RqDirectResponse = 30,
        RqRedirect = 31, RqTotalRouted = 32, FaultDelays = 33, FaultAborts = 34, CxHttp2Total = 35,
        CxHttp2Active = 36, RqHttp2Total = 37, RqTooManyPrematureResets = 38, RqMaxDurationReached = 39, CxMaxDurationReached = 40;

    private static readonly StatField[] All =
    [
        new("downstream_cx_total"), new("downstream_cx_active", StatKind.Gauge), new("downstream_cx_http1_total"), new("downstream_cx_http1_active", StatKind.Gauge),
        new("downstream_cx_destroy"), new("downstream_cx_destroy_remote"), new("downstream_cx_protocol_error"), new("downstream_cx_rx_bytes_total"),
        new("downstream_cx_tx_bytes_total"), new("downstream_cx_drain_close"), new("downstream_cx_idle_timeout"), new("downstream_cx_upgrades_total"),
        new("downstream_cx_upgrades_active", StatKind.Gauge), new("downstream_rq_total"), new("downstream_rq_http1_total"), new("downstream_rq_active", StatKind.Gauge),
        new("downstream_rq_rx_reset"), new("downstream_rq_too_large"), new("downstream_rq_idle_timeout"), new("downstream_rq_timeout"), new("downstream_rq_header_timeout"),
        new("downstream_rq_1xx"), new("downstream_rq_2xx"), new("downstream_rq_3xx"), new("downstream_rq_4xx"), new("downstream_rq_5xx"),
        new("downstream_rq_time", StatKind.Histogram), new("downstream_rq_completed"), new("no_route"), new("no_cluster"), new("rq_direct_response"), new("rq_redirect"), new("rq_total"),
        new("fault.delays_injected"), new("fault.aborts_injected"), new("downstream_cx_http2_total"), new("downstream_cx_http2_active", StatKind.Gauge), new("downstream_rq_http2_total"),
        new("downstream_rq_too_many_premature_resets"), new("downstream_rq_max_duration_reached"), new("downstream_cx_max_duration_reached"),
    ];

    public static HttpStats Create(string prefix, int workers) => new(prefix, workers);
}
