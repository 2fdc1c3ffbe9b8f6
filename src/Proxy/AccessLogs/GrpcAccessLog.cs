using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Data.Accesslog.V3;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Tls;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using Flags = Lateen.Proxy.Http.Connections.ResponseFlags;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Entries for an access log service, of HTTP streams and TCP connections. Immutable but for the service.</summary>
internal sealed class GrpcAccessLog(
    LogService service, IReadOnlyList<string> requestHeaders, IReadOnlyList<string> responseHeaders, IReadOnlyList<string> responseTrailers, IReadOnlyList<string> stateObjects, LogFilter? filter) : AccessLog(filter)
{
    protected override void Log(in FormatContext context, ByteBuilder scratch)
    {
        var info = context.Info;
        var common = Common(info);
        if (info.IsTcp)
        {
            service.Add(new TCPAccessLogEntry
            {
                CommonProperties = common,
                ConnectionProperties = new ConnectionProperties { ReceivedBytes = (ulong)info.BytesReceived, SentBytes = (ulong)info.BytesSent },
            });
            return;
        }
        var (request, response) = (context.Request, context.Response);
        var entry = new HTTPAccessLogEntry
        {
            CommonProperties = common,
            ProtocolVersion = info.Protocol switch
            {
                "HTTP/1.0" => HTTPAccessLogEntry.Types.HTTPVersion.Http10,
                "HTTP/1.1" => HTTPAccessLogEntry.Types.HTTPVersion.Http11,
                "HTTP/2" => HTTPAccessLogEntry.Types.HTTPVersion.Http2,
                _ => HTTPAccessLogEntry.Types.HTTPVersion.ProtocolUnspecified,
            },
            Request = new HTTPRequestProperties
            {
                RequestMethod = System.Enum.TryParse<RequestMethod>(Text(request, KnownHeader.Method), ignoreCase: true, out var method) ? method : RequestMethod.MethodUnspecified,
                Scheme = Text(request, KnownHeader.Scheme),
                Authority = Text(request, KnownHeader.Authority),
                Path = Text(request, KnownHeader.Path),
                UserAgent = Text(request, KnownHeader.UserAgent),
                Referer = Text(request, "referer"),
                ForwardedFor = Text(request, KnownHeader.ForwardedFor),
                RequestId = Text(request, KnownHeader.RequestId),
                OriginalPath = Text(request, KnownHeader.EnvoyOriginalPath),
                RequestHeadersBytes = (ulong)request.ByteSize,
                RequestBodyBytes = (ulong)info.BytesReceived,
            },
            Response = new HTTPResponseProperties
            {
                ResponseCode = info.Status > 0 ? (uint)info.Status : null,
                ResponseHeadersBytes = (ulong)response.ByteSize,
                ResponseBodyBytes = (ulong)info.BytesSent,
                ResponseCodeDetails = info.Details,
            },
        };
        Copy(requestHeaders, request, entry.Request.RequestHeaders);
        Copy(responseHeaders, response, entry.Response.ResponseHeaders);
        if (context.ResponseTrailers is { } trailers) Copy(responseTrailers, trailers, entry.Response.ResponseTrailers);
        service.Add(entry);
    }

    private AccessLogCommon Common(StreamInfo info)
    {
        var common = new AccessLogCommon
        {
            DownstreamRemoteAddress = Of(info.DownstreamRemote),
            DownstreamLocalAddress = Of(info.DownstreamLocal),
            DownstreamDirectRemoteAddress = Of(info.DownstreamDirectRemote),
            UpstreamRemoteAddress = info.UpstreamHost is { } host ? Of(host.Address) : null,
            UpstreamLocalAddress = Of(info.UpstreamLocal),
            UpstreamCluster = info.Cluster,
            UpstreamTransportFailureReason = info.TransportFailure,
            UpstreamRequestAttemptCount = (uint)info.Attempts,
            RouteName = info.RouteName,
            ConnectionTerminationDetails = info.ConnectionTermination,
            StartTime = Timestamp.FromDateTime(DateTime.SpecifyKind(info.StartUtc, DateTimeKind.Utc)),
            Duration = Since(info, info.End),
            TimeToLastRxByte = Since(info, info.RequestEnd),
            TimeToLastUpstreamTxByte = Since(info, info.UpstreamRequestEnd),
            TimeToFirstUpstreamRxByte = Since(info, info.UpstreamFirstByte),
            TimeToFirstDownstreamTxByte = Since(info, info.FirstByteSent),
            TimeToLastDownstreamTxByte = Since(info, info.End),
            ResponseFlags = Of(info.Flags),
            TlsProperties = info.DownstreamTls is { } tls ? Of(tls) : null,
            AccessLogType = info.IsTcp ? AccessLogType.TcpConnectionEnd : AccessLogType.DownstreamEnd,
        };
        foreach (var key in stateObjects)
            if (info.FilterState.Find(key)?.ToString() is { } state)
                common.FilterStateObjects[key] = Any.Pack(new StringValue { Value = state });
        return common;
    }

    private static Duration? Since(StreamInfo info, long at) => at == 0 ? null : Duration.FromTimeSpan(TimeSpan.FromMilliseconds(at - info.Start));

    private static Address? Of(Network.SocketAddress address) => address.IsNone ? null
        : address.Path is { } path ? new Address { Pipe = new Pipe { Path = path } }
        : new Address { SocketAddress = new SocketAddress { Address = address.ToIpAddress().ToString(), PortValue = (uint)address.Port } };

    private static TLSProperties Of(TlsFacts tls) => new()
    {
        TlsVersion = tls.Version == "TLSv1.3" ? TLSProperties.Types.TLSVersion.Tlsv13 : TLSProperties.Types.TLSVersion.Tlsv12,
        TlsSniHostname = tls.ServerName,
        TlsSessionId = tls.SessionId,
        PeerCertificateProperties = Of(tls.Peer),
        LocalCertificateProperties = Of(tls.Local),
    };

    private static TLSProperties.Types.CertificateProperties? Of(CertificateFacts? certificate)
    {
        if (certificate is null) return null;
        var properties = new TLSProperties.Types.CertificateProperties { Subject = certificate.Subject, Issuer = certificate.Issuer };
        foreach (var uri in certificate.UriNames) properties.SubjectAltName.Add(new TLSProperties.Types.CertificateProperties.Types.SubjectAltName { Uri = uri });
        foreach (var dns in certificate.DnsNames) properties.SubjectAltName.Add(new TLSProperties.Types.CertificateProperties.Types.SubjectAltName { Dns = dns });
        return properties;
    }

    private static Envoy.Data.Accesslog.V3.ResponseFlags? Of(Flags flags) => flags == Flags.None ? null : new Envoy.Data.Accesslog.V3.ResponseFlags
    {
        NoHealthyUpstream = flags.HasFlag(Flags.NoHealthyUpstream),
        UpstreamConnectionFailure = flags.HasFlag(Flags.ConnectFailure),
        UpstreamOverflow = flags.HasFlag(Flags.UpstreamOverflow),
        NoRouteFound = flags.HasFlag(Flags.NoRoute),
        UpstreamRetryLimitExceeded = flags.HasFlag(Flags.RetryLimitExceeded),
        NoClusterFound = flags.HasFlag(Flags.NoCluster),
        DownstreamConnectionTermination = flags.HasFlag(Flags.DownstreamTermination),
        UpstreamConnectionTermination = flags.HasFlag(Flags.UpstreamTermination),
        UpstreamRequestTimeout = flags.HasFlag(Flags.UpstreamTimeout),
        StreamIdleTimeout = flags.HasFlag(Flags.StreamIdleTimeout),
        DelayInjected = flags.HasFlag(Flags.DelayInjected),
        FaultInjected = flags.HasFlag(Flags.FaultInjected),
        DownstreamProtocolError = flags.HasFlag(Flags.DownstreamProtocolError),
        UpstreamProtocolError = flags.HasFlag(Flags.UpstreamProtocolError),
        UpstreamRemoteReset = flags.HasFlag(Flags.UpstreamRemoteReset),
        DurationTimeout = flags.HasFlag(Flags.DurationTimeout),
        OverloadManager = flags.HasFlag(Flags.OverloadManager),
        RateLimited = flags.HasFlag(Flags.RateLimited),
        RateLimitServiceError = flags.HasFlag(Flags.RateLimitServiceError),
        NoFilterConfigFound = flags.HasFlag(Flags.NoFilterConfig),
        UnauthorizedDetails = flags.HasFlag(Flags.Unauthorized)
            ? new Envoy.Data.Accesslog.V3.ResponseFlags.Types.Unauthorized { Reason = Envoy.Data.Accesslog.V3.ResponseFlags.Types.Unauthorized.Types.Reason.ExternalService }
            : null,
    };

    private static void Copy(IReadOnlyList<string> names, HeaderMap from, MapField<string, string> to)
    {
        foreach (var name in names)
            if (from.TryGet(Encoding.ASCII.GetBytes(name.ToLowerInvariant()), out var value))
                to[name.ToLowerInvariant()] = Encoding.UTF8.GetString(value);
    }

    private static string Text(HeaderMap headers, KnownHeader header) => Encoding.UTF8.GetString(headers[header]);

    private static string Text(HeaderMap headers, string name) => headers.TryGet(Encoding.ASCII.GetBytes(name), out var value) ? Encoding.UTF8.GetString(value) : "";
}
