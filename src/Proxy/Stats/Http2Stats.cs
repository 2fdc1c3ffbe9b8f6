namespace Lateen.Proxy.Stats;

/// <summary>Statistics of the HTTP/2 codec, of all listeners together or of one cluster. Source: Envoy's "HTTP/2 codec statistics".</summary>
internal sealed class Http2Stats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int GoAwaySent = 0, HeaderOverflow = 1, EmptyFramesFlood = 2, PriorityFramesFlood = 3, WindowUpdateFramesFlood = 4, KeepAliveTimeout = 5, OutboundControlFlood = 6,
        OutboundFlood = 7, RxMessagingError = 8, RxReset = 9, StreamRefused = 10, Trailers = 11, TxReset = 12, StreamsActive = 13, HeadersNoStream = 14;

    private static readonly StatField[] All =
    [
        new("goaway_sent"), new("header_overflow"), new("inbound_empty_frames_flood"), new("inbound_priority_frames_flood"), new("inbound_window_update_frames_flood"),
        new("keepalive_timeout"), new("outbound_control_flood"), new("outbound_flood"), new("rx_messaging_error"), new("rx_reset"), new("stream_refused_errors"), new("trailers"),
        new("tx_reset"), new("streams_active", StatKind.Gauge), new("headers_cb_no_stream"),
    ];

    public static Http2Stats Create(string prefix, int workers) => new(prefix, workers);
}
