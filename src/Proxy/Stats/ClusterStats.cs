namespace Lateen.Proxy.Stats;

/// <summary>Statistics of a cluster. Source: Envoy's "Cluster manager statistics".</summary>
internal sealed class ClusterStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int CxTotal = 0, CxActive = 1, CxHttp1Total = 2, CxConnectFail = 3, CxConnectTimeout = 4, CxDestroy = 5, CxOverflow = 6, CxRxBytes = 7, CxTxBytes = 8,
        CxNoneHealthy = 9, CxDestroyRemote = 10, CxProtocolError = 11, RqTotal = 12, RqActive = 13, RqPendingTotal = 14, RqPendingOverflow = 15, RqPendingFailure = 16,
        RqPendingActive = 17, RqCancelled = 18, RqTimeout = 19, RqPerTryTimeout = 20, RqRxReset = 21, RqTxReset = 22, RqRetry = 23, RqRetrySuccess = 24, RqRetryOverflow = 25,
        RqRetryLimitExceeded = 26, RqCompleted = 27, Rq1xx = 28, Rq2xx = 29, Rq3xx = 30, Rq4xx = 31, Rq5xx = 32, RqTime = 33, CxConnectMs = 34, MembershipChange = 35,
        MembershipTotal = 36, MembershipHealthy = 37, UpdateAttempt = 38, UpdateSuccess = 39, UpdateFailure = 40, UpdateEmpty = 41, LbHealthyPanic = 42, EjectionsActive = 43,
        EjectionsTotal = 44, OriginalDstInvalid = 45, RqRetryBackoffExponential = 46, EjectionsOverflow = 47, CxMaxRequests = 48,
        MembershipDegraded = 49, MembershipExcluded = 50, EjectionsDetected = 51, EjectionsEnforced = 58, CheckAttempt = 65, CheckSuccess = 66,
        CheckFailure = 67, CheckNetworkFailure = 68, CheckHealthy = 69, DefaultBreakers = 70, HighBreakers = 78, RqRetryBackoffRateLimited = 86, CxHttp2Total = 87, CxCloseNotify = 88;

    private static readonly StatField[] All =
    [
        new("upstream_cx_total"), new("upstream_cx_active", StatKind.Gauge), new("upstream_cx_http1_total"), new("upstream_cx_connect_fail"), new("upstream_cx_connect_timeout"),
        new("upstream_cx_destroy"), new("upstream_cx_overflow"), new("upstream_cx_rx_bytes_total"), new("upstream_cx_tx_bytes_total"), new("upstream_cx_none_healthy"),
        new("upstream_cx_destroy_remote"), new("upstream_cx_protocol_error"), new("upstream_rq_total"), new("upstream_rq_active", StatKind.Gauge),
        new("upstream_rq_pending_total"), new("upstream_rq_pending_overflow"), new("upstream_rq_pending_failure_eject"), new("upstream_rq_pending_active", StatKind.Gauge),
        new("upstream_rq_cancelled"), new("upstream_rq_timeout"), new("upstream_rq_per_try_timeout"), new("upstream_rq_rx_reset"), new("upstream_rq_tx_reset"),
        new("upstream_rq_retry"), new("upstream_rq_retry_success"), new("upstream_rq_retry_overflow"), new("upstream_rq_retry_limit_exceeded"), new("upstream_rq_completed"),
        new("upstream_rq_1xx"), new("upstream_rq_2xx"), new("upstream_rq_3xx"), new("upstream_rq_4xx"), new("upstream_rq_5xx"), new("upstream_rq_time", StatKind.Histogram),
        new("upstream_cx_connect_ms", StatKind.Histogram), new("membership_change"), new("membership_total", StatKind.Gauge), new("membership_healthy", StatKind.Gauge),
        new("update_attempt"), new("update_success"), new("update_failure"), new("update_empty"), new("lb_healthy_panic"),
        new("outlier_detection.ejections_active", StatKind.Gauge), new("outlier_detection.ejections_enforced_total"),
        new("original_dst_host_invalid"), new("upstream_rq_retry_backoff_exponential"),
        new("outlier_detection.ejections_overflow"), new("upstream_cx_max_requests"),
        new("membership_degraded", StatKind.Gauge), new("membership_excluded", StatKind.Gauge),
        new("outlier_detection.ejections_detected_consecutive_5xx"), new("outlier_detection.ejections_detected_consecutive_gateway_failure"),
        new("outlier_detection.ejections_detected_consecutive_local_origin_failure"), new("outlier_detection.ejections_detected_success_rate"),
        new("outlier_detection.ejections_detected_local_origin_success_rate"), new("outlier_detection.ejections_detected_failure_percentage"),
        new("outlier_detection.ejections_detected_local_origin_failure_percentage"),
        new("outlier_detection.ejections_enforced_consecutive_5xx"), new("outlier_detection.ejections_enforced_consecutive_gateway_failure"),
        new("outlier_detection.ejections_enforced_consecutive_local_origin_failure"), new("outlier_detection.ejections_enforced_success_rate"),
        new("outlier_detection.ejections_enforced_local_origin_success_rate"), new("outlier_detection.ejections_enforced_failure_percentage"),
        new("outlier_detection.ejections_enforced_local_origin_failure_percentage"),
        new("health_check.attempt"), new("health_check.success"), new("health_check.failure"), new("health_check.network_failure"), new("health_check.healthy", StatKind.Gauge),
        new("circuit_breakers.default.cx_open", StatKind.Gauge), new("circuit_breakers.default.rq_pending_open", StatKind.Gauge), new("circuit_breakers.default.rq_open", StatKind.Gauge), new("circuit_breakers.default.rq_retry_open", StatKind.Gauge),
        new("circuit_breakers.default.remaining_cx", StatKind.Gauge), new("circuit_breakers.default.remaining_pending", StatKind.Gauge), new("circuit_breakers.default.remaining_rq", StatKind.Gauge), new("circuit_breakers.default.remaining_retries", StatKind.Gauge),
        new("circuit_breakers.high.cx_open", StatKind.Gauge), new("circuit_breakers.high.rq_pending_open", StatKind.Gauge), new("circuit_breakers.high.rq_open", StatKind.Gauge), new("circuit_breakers.high.rq_retry_open", StatKind.Gauge),
        new("circuit_breakers.high.remaining_cx", StatKind.Gauge), new("circuit_breakers.high.remaining_pending", StatKind.Gauge), new("circuit_breakers.high.remaining_rq", StatKind.Gauge), new("circuit_breakers.high.remaining_retries", StatKind.Gauge),
        new("upstream_rq_retry_backoff_ratelimited"),
        new("upstream_cx_http2_total"), new("upstream_cx_close_notify"),
    ];

    public static ClusterStats Create(string prefix, int workers) => new(prefix, workers);

    /// <summary>The field that counts a status code's class.</summary>
    public static int ClassOf(int status) => Rq1xx + Math.Clamp(status / 100, 1, 5) - 1;
}
