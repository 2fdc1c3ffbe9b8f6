namespace Lateen.Proxy.Stats;

/// <summary>Statistics of a listener. Source: Envoy's "Listener statistics".</summary>
internal sealed class ListenerStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int CxTotal = 0, CxActive = 1, CxDestroy = 2, NoFilterChain = 3, PreCxTimeout = 4, GlobalOverflow = 5;

    private static readonly StatField[] All =
    [
        new("downstream_cx_total"), new("downstream_cx_active", StatKind.Gauge), new("downstream_cx_destroy"), new("no_filter_chain_match"), new("downstream_pre_cx_timeout"),
        new("downstream_global_cx_overflow"),
    ];

    public static ListenerStats Create(string prefix, int workers) => new(prefix, workers);
}

/// <summary>Statistics of a TCP proxy. Source: Envoy's "TCP proxy".</summary>
internal sealed class TcpStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int CxTotal = 0, CxNoRoute = 1, RxBytes = 2, TxBytes = 3, IdleTimeout = 4;

    private static readonly StatField[] All =
    [
        new("downstream_cx_total"), new("downstream_cx_no_route"), new("downstream_cx_rx_bytes_total"), new("downstream_cx_tx_bytes_total"), new("idle_timeout"),
    ];

    public static TcpStats Create(string prefix, int workers) => new(prefix, workers);
}
