using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Type.V3;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.HealthChecks;

namespace Lateen.Proxy.Compile;

/// <summary>HealthCheck → settings. Pure; what is not supported is refused with its path.</summary>
internal static class HealthCheckCompiler
{
    public static HealthCheckSettings? Compile(Cluster cluster)
    {
        if (cluster.HealthChecks.Count == 0) return null;
        if (cluster.HealthChecks.Count > 1) throw new ConfigRefusedException("health_checks", "only one is supported");
        if (cluster.TransportSocket is { } socket && socket.TypedConfig?.TypeUrl.EndsWith("RawBuffer", StringComparison.Ordinal) != true)
            throw new ConfigRefusedException("health_checks[0]", $"checks through the transport socket {socket.Name} are not supported");
        var (check, path) = (cluster.HealthChecks[0], "health_checks[0]");
        Refuse(check, path);
        var settings = check.HealthCheckerCase switch
        {
            HealthCheck.HealthCheckerOneofCase.HttpHealthCheck => Http(check.HttpHealthCheck, new HealthCheckSettings(CheckKind.Http, Times(check, path)), path + ".http_health_check"),
            HealthCheck.HealthCheckerOneofCase.TcpHealthCheck => Tcp(check.TcpHealthCheck, new HealthCheckSettings(CheckKind.Tcp, Times(check, path)), path + ".tcp_health_check"),
            HealthCheck.HealthCheckerOneofCase.GrpcHealthCheck => new HealthCheckSettings(CheckKind.Grpc, Times(check, path))
            {
                ServiceName = check.GrpcHealthCheck.ServiceName,
                Host = check.GrpcHealthCheck.Authority,
                AddHeaders = Headers(check.GrpcHealthCheck.InitialMetadata),
            },
            var other => throw new ConfigRefusedException(path, $"the health check {other} is not supported"),
        };
        return settings with
        {
            UnhealthyThreshold = (int)Math.Max(1, check.UnhealthyThreshold ?? throw new ConfigRefusedException(path + ".unhealthy_threshold", "is missing")),
            HealthyThreshold = (int)Math.Max(1, check.HealthyThreshold ?? throw new ConfigRefusedException(path + ".healthy_threshold", "is missing")),
            AltPort = check.AltPort is > 65535 ? throw new ConfigRefusedException(path + ".alt_port", "is no port") : (int)(check.AltPort ?? 0),
            ReuseConnection = check.ReuseConnection ?? true,
        };
    }

    private static void Refuse(HealthCheck check, string path)
    {
#pragma warning disable CS0612 // An older field that may still be sent.
        if (check.EventLogPath.Length > 0) throw new ConfigRefusedException(path + ".event_log_path", "is not supported");
#pragma warning restore CS0612
        if (check.EventLogger.Count > 0) throw new ConfigRefusedException(path + ".event_logger", "is not supported");
        if (check.EventService is not null) throw new ConfigRefusedException(path + ".event_service", "is not supported");
        if (check.TlsOptions is not null) throw new ConfigRefusedException(path + ".tls_options", "is not supported");
        if (check.TransportSocketMatchCriteria is not null) throw new ConfigRefusedException(path + ".transport_socket_match_criteria", "is not supported");
    }

    private static CheckTimes Times(HealthCheck check, string path)
    {
        var timeout = Durations.Ms(check.Timeout) is { } given and > 0 ? given : throw new ConfigRefusedException(path + ".timeout", "must be above 0");
        var interval = Durations.Ms(check.Interval) is { } pause and > 0 ? pause : throw new ConfigRefusedException(path + ".interval", "must be above 0");
        var noTraffic = Durations.Ms(check.NoTrafficInterval) ?? 60_000;
        var unhealthy = Durations.Ms(check.UnhealthyInterval) ?? interval;
        return new CheckTimes(timeout, interval)
        {
            InitialJitterMs = Durations.Ms(check.InitialJitter) ?? 0,
            JitterMs = Durations.Ms(check.IntervalJitter) ?? 0,
            JitterPercent = (int)Math.Min(check.IntervalJitterPercent, 10_000),
            NoTrafficMs = noTraffic,
            NoTrafficHealthyMs = Durations.Ms(check.NoTrafficHealthyInterval) ?? noTraffic,
            UnhealthyMs = unhealthy,
            UnhealthyEdgeMs = Durations.Ms(check.UnhealthyEdgeInterval) ?? unhealthy,
            HealthyEdgeMs = Durations.Ms(check.HealthyEdgeInterval) ?? interval,
        };
    }

    private static HealthCheckSettings Http(HealthCheck.Types.HttpHealthCheck http, HealthCheckSettings settings, string path)
    {
        if (!http.Path.StartsWith('/')) throw new ConfigRefusedException(path + ".path", "must begin with a slash");
        if (http.Send is not null) throw new ConfigRefusedException(path + ".send", "is not supported");
        if (http.CodecClientType is not (CodecClientType.Http1 or CodecClientType.Http2)) throw new ConfigRefusedException(path + ".codec_client_type", $"{http.CodecClientType} is not supported");
        if (http.Method == RequestMethod.Connect) throw new ConfigRefusedException(path + ".method", "CONNECT is not supported");
        return settings with
        {
            Host = http.Host,
            Path = http.Path,
            Method = http.Method == RequestMethod.MethodUnspecified ? "GET" : http.Method.ToString().ToUpperInvariant(),
            UseHttp2 = http.CodecClientType == CodecClientType.Http2,
            Expected = http.ExpectedStatuses.Count == 0 ? [(200, 201)] : Ranges(http.ExpectedStatuses, path + ".expected_statuses"),
            Retriable = Ranges(http.RetriableStatuses, path + ".retriable_statuses"),
            AddHeaders = Headers(http.RequestHeadersToAdd),
            RemoveHeaders = [.. http.RequestHeadersToRemove],
            Receive = [.. http.Receive.Select((piece, i) => Bytes(piece, $"{path}.receive[{i}]"))],
            ResponseBytes = (long)Math.Min(http.ResponseBufferSize ?? 1024, long.MaxValue),
            ServiceMatch = http.ServiceNameMatcher is { } matcher ? StringMatch.From(matcher, path + ".service_name_matcher") : null,
        };
    }

    private static HealthCheckSettings Tcp(HealthCheck.Types.TcpHealthCheck tcp, HealthCheckSettings settings, string path)
    {
        if (tcp.ProxyProtocolConfig is not null) throw new ConfigRefusedException(path + ".proxy_protocol_config", "is not supported");
        return settings with
        {
            Send = tcp.Send is null ? [] : Bytes(tcp.Send, path + ".send"),
            Receive = [.. tcp.Receive.Select((piece, i) => Bytes(piece, $"{path}.receive[{i}]"))],
        };
    }

    /// <summary>Texts are hexadecimal here.</summary>
    private static byte[] Bytes(HealthCheck.Types.Payload payload, string path)
    {
        if (payload.PayloadCase == HealthCheck.Types.Payload.PayloadOneofCase.Binary) return payload.Binary.ToByteArray();
        try
        {
            return payload.Text.Length > 0 ? Convert.FromHexString(payload.Text) : throw new ConfigRefusedException(path, "is empty");
        }
        catch (FormatException)
        {
            throw new ConfigRefusedException(path + ".text", "is not hexadecimal");
        }
    }

    private static IReadOnlyList<(long, long)> Ranges(IEnumerable<Int64Range> ranges, string path) =>
        [.. ranges.Select((range, i) => range.Start < 100 || range.End > 600 || range.Start >= range.End ? throw new ConfigRefusedException($"{path}[{i}]", "is not a range within 100 to 600") : (range.Start, range.End))];

    private static IReadOnlyList<(string, string)> Headers(IEnumerable<HeaderValueOption> headers) => [.. headers.Select(header => (header.Header.Key, header.Header.Value))];
}
