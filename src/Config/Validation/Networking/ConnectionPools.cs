using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;
using static Istio.Networking.V1Alpha3.ConnectionPoolSettings.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>Limits and timeouts of connections.</summary>
internal static class ConnectionPools
{
    public static void Validate(Check check, FieldPath at, ConnectionPoolSettings? settings)
    {
        if (settings is null) return;
        if (settings.Http is null && settings.Tcp is null) check.Error(at, "connection pool must have at least one field");
        if (settings.Http is { } http) Http(check, at["http"], http);
        if (settings.Tcp is { } tcp) Tcp(check, at["tcp"], tcp);
    }

    private static void Http(Check check, FieldPath at, HTTPSettings http)
    {
        NotNegative(check, at["http1MaxPendingRequests"], http.Http1MaxPendingRequests, "http1 max pending requests");
        NotNegative(check, at["http2MaxRequests"], http.Http2MaxRequests, "http2 max requests");
        NotNegative(check, at["maxRequestsPerConnection"], http.MaxRequestsPerConnection, "max requests per connection");
        NotNegative(check, at["maxRetries"], http.MaxRetries, "max retries");
        check.Error(at["idleTimeout"], Values.CheckDuration(http.IdleTimeout));
        if (http.H2UpgradePolicy == HTTPSettings.Types.H2UpgradePolicy.Upgrade && http.UseClientProtocol)
            check.Error(at["useClientProtocol"], "use client protocol must not be true when H2UpgradePolicy is UPGRADE");
        NotNegative(check, at["maxConcurrentStreams"], http.MaxConcurrentStreams, "max concurrent streams");
        if (http.Http2KeepAlive is not { } keepAlive) return;
        var path = at["http2KeepAlive"];
        check.Error(path["interval"], keepAlive.Interval is null ? "http2 keepalive interval is required" : Values.CheckDuration(keepAlive.Interval));
        check.Error(path["timeout"], keepAlive.Timeout is null ? "http2 keepalive timeout is required" : Values.CheckDuration(keepAlive.Timeout));
    }

    private static void Tcp(Check check, FieldPath at, TCPSettings tcp)
    {
        NotNegative(check, at["maxConnections"], tcp.MaxConnections, "max connections");
        check.Error(at["connectTimeout"], Values.CheckDuration(tcp.ConnectTimeout));
        check.Error(at["maxConnectionDuration"], Values.CheckDuration(tcp.MaxConnectionDuration));
        // Zero switches this timeout off, alone among them.
        if (tcp.IdleTimeout is { } idle && !Values.IsZero(idle)) check.Error(at["idleTimeout"], Values.CheckDuration(idle));
        if (check.Original) return;
        check.Error(at["tcpKeepalive"]["time"], Values.CheckDuration(tcp.TcpKeepalive?.Time));
        check.Error(at["tcpKeepalive"]["interval"], Values.CheckDuration(tcp.TcpKeepalive?.Interval));
    }

    private static void NotNegative(Check check, FieldPath at, int value, string what)
    {
        if (value < 0) check.Error(at, $"{what} must be non-negative");
    }
}
