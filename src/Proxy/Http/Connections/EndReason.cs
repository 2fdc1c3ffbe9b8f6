namespace Lateen.Proxy.Http.Connections;

/// <summary>Why a stream ended other than by its upstream's whole response. Exactly one for each stream.</summary>
internal enum EndReason
{
    None,
    RouteNotFound,
    ClusterNotFound,
    NoHealthyUpstream,
    ConnectFailure,
    ConnectTimeout,
    UpstreamReset,
    UpstreamProtocolError,
    UpstreamOverflow,
    ResponseTimeout,
    PerTryTimeout,
    StreamIdleTimeout,
    MaxStreamDuration,
    UpstreamRemoteReset,
    UpstreamRefusedStream,
    RequestTimeout,
    RequestHeaderTimeout,
    DownstreamDisconnect,
    DownstreamProtocolError,
    FaultAbort,
    DirectResponse,
    UpgradeRefused,
    HeadTooLarge,
    OldVersion,
    UnsupportedCoding,
    MissingPath,
    PathRefused,
    PathRedirected,
    UnderscoreHeader,
    CorsPreflight,
    RbacDenied,
    PayloadTooLarge,
    Overloaded,

    /// <summary>A filter answered; what it said of status and details stands.</summary>
    FilterReply,
    RateLimited,

    /// <summary>An authorisation service said no, or could not be asked.</summary>
    Unauthorized,
    Count,
}

/// <summary>Envoy's response flags, as bits. Source: Envoy's access log documentation, %RESPONSE_FLAGS%.</summary>
[Flags]
internal enum ResponseFlags : uint
{
    None = 0,
    NoHealthyUpstream = 1 << 0,
    ConnectFailure = 1 << 1,
    UpstreamOverflow = 1 << 2,
    NoRoute = 1 << 3,
    RetryLimitExceeded = 1 << 4,
    NoCluster = 1 << 5,
    DownstreamTermination = 1 << 6,
    UpstreamTermination = 1 << 7,
    UpstreamTimeout = 1 << 8,
    StreamIdleTimeout = 1 << 9,
    DelayInjected = 1 << 10,
    FaultInjected = 1 << 11,
    DownstreamProtocolError = 1 << 12,
    UpstreamProtocolError = 1 << 13,
    UpstreamRemoteReset = 1 << 14,
    DurationTimeout = 1 << 15,
    OverloadManager = 1 << 16,
    RateLimited = 1 << 17,
    Unauthorized = 1 << 18,
    RateLimitServiceError = 1 << 19,
    NoFilterConfig = 1 << 20,
}

/// <summary>What each reason means to the client, to the log and to the counters: the one table.</summary>
/// <param name="Status">Status of the local reply.</param>
/// <param name="Flag">Response flag.</param>
/// <param name="Details">%RESPONSE_CODE_DETAILS%.</param>
/// <param name="Body">Body of the local reply; empty for none.</param>
/// <param name="RetriedBody">The same when there was more than one attempt.</param>
internal readonly record struct EndRow(int Status, ResponseFlags Flag, string Details, string Body, string RetriedBody)
{
    private const string Reset = "upstream connect error or disconnect/reset before headers. ";
    private static readonly EndRow[] Rows = Table();

    public static ref readonly EndRow Of(EndReason reason) => ref Rows[(int)reason];

    private static EndRow[] Table()
    {
        var rows = new EndRow[(int)EndReason.Count];
        void Add(EndReason reason, int status, ResponseFlags flag, string details, string body = "") => rows[(int)reason] = new EndRow(status, flag, details, body, body);
        void AddReset(EndReason reason, int status, ResponseFlags flag, string word) => rows[(int)reason] = new EndRow(
            status, flag, $"upstream_reset_before_response_started{{{word.Replace(' ', '_')}}}", $"{Reset}reset reason: {word}", $"{Reset}retried and the latest reset reason: {word}");
        Add(EndReason.None, 200, ResponseFlags.None, "via_upstream");
        Add(EndReason.RouteNotFound, 404, ResponseFlags.NoRoute, "route_not_found");
        Add(EndReason.ClusterNotFound, 503, ResponseFlags.NoCluster, "cluster_not_found");
        Add(EndReason.NoHealthyUpstream, 503, ResponseFlags.NoHealthyUpstream, "no_healthy_upstream", "no healthy upstream");
        AddReset(EndReason.ConnectFailure, 503, ResponseFlags.ConnectFailure, "remote connection failure");
        AddReset(EndReason.ConnectTimeout, 503, ResponseFlags.ConnectFailure, "connection timeout");
        AddReset(EndReason.UpstreamReset, 503, ResponseFlags.UpstreamTermination, "connection termination");
        AddReset(EndReason.UpstreamProtocolError, 502, ResponseFlags.UpstreamProtocolError, "protocol error");
        AddReset(EndReason.UpstreamOverflow, 503, ResponseFlags.UpstreamOverflow, "overflow");
        Add(EndReason.ResponseTimeout, 504, ResponseFlags.UpstreamTimeout, "response_timeout", "upstream request timeout");
        Add(EndReason.PerTryTimeout, 504, ResponseFlags.UpstreamTimeout, "upstream_per_try_timeout", "upstream request timeout");
        Add(EndReason.StreamIdleTimeout, 408, ResponseFlags.StreamIdleTimeout, "stream_idle_timeout", "stream timeout");
        Add(EndReason.MaxStreamDuration, 408, ResponseFlags.DurationTimeout, "max_duration_timeout", "downstream duration timeout");
        AddReset(EndReason.UpstreamRemoteReset, 503, ResponseFlags.UpstreamRemoteReset, "remote reset");
        AddReset(EndReason.UpstreamRefusedStream, 503, ResponseFlags.UpstreamRemoteReset, "remote refused stream reset");
        Add(EndReason.RequestTimeout, 408, ResponseFlags.None, "request_overall_timeout", "request timeout");
        Add(EndReason.RequestHeaderTimeout, 408, ResponseFlags.None, "request_header_timeout", "request header timeout");
        Add(EndReason.DownstreamDisconnect, 0, ResponseFlags.DownstreamTermination, "downstream_remote_disconnect");
        Add(EndReason.DownstreamProtocolError, 400, ResponseFlags.DownstreamProtocolError, "http1.codec_error", "Bad Request");
        Add(EndReason.FaultAbort, 0, ResponseFlags.FaultInjected, "fault_filter_abort", "fault filter abort");
        Add(EndReason.DirectResponse, 0, ResponseFlags.None, "direct_response");
        Add(EndReason.UpgradeRefused, 403, ResponseFlags.None, "upgrade_failed");
        Add(EndReason.HeadTooLarge, 431, ResponseFlags.DownstreamProtocolError, "http1.headers_too_large");
        Add(EndReason.OldVersion, 426, ResponseFlags.DownstreamProtocolError, "low_version");
        Add(EndReason.UnsupportedCoding, 501, ResponseFlags.DownstreamProtocolError, "http1.unsupported_transfer_encoding", "Not Implemented");
        Add(EndReason.MissingPath, 400, ResponseFlags.DownstreamProtocolError, "missing_path_rejected");
        Add(EndReason.PathRefused, 400, ResponseFlags.None, "path_normalization_failed");
        Add(EndReason.PathRedirected, 307, ResponseFlags.None, "path_normalization_failed");
        Add(EndReason.UnderscoreHeader, 400, ResponseFlags.DownstreamProtocolError, "http1.unexpected_underscore", "Bad Request");
        Add(EndReason.CorsPreflight, 200, ResponseFlags.None, "cors_response");
        Add(EndReason.RbacDenied, 403, ResponseFlags.None, "rbac_access_denied", "RBAC: access denied");
        Add(EndReason.PayloadTooLarge, 413, ResponseFlags.None, "request_payload_too_large", "Payload Too Large");
        Add(EndReason.FilterReply, 403, ResponseFlags.None, "filter_reply");
        Add(EndReason.RateLimited, 429, ResponseFlags.RateLimited, "local_rate_limited");
        Add(EndReason.Unauthorized, 403, ResponseFlags.Unauthorized, "ext_authz_denied");
        Add(EndReason.Overloaded, 503, ResponseFlags.OverloadManager, "overload", "envoy overloaded");
        return rows;
    }
}
