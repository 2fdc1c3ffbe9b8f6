using System.Globalization;
using System.Text;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Expressions;

/// <summary>
/// An attribute of the stream: <c>request</c>, <c>response</c>, <c>connection</c> and so on. What a stream does not have is an
/// error, which comparisons pass on. Immutable. Source: Envoy's "Attributes".
/// </summary>
internal sealed class CelAttribute : CelNode
{
    private delegate CelValue Reader(in FormatContext context);

    private readonly Reader _read;

    private CelAttribute(Reader read) => _read = read;

    /// <summary>Null for a name that is none.</summary>
    public static CelAttribute? Create(string name) => name switch
    {
        "request" => new CelAttribute(Request),
        "response" => new CelAttribute(Response),
        "connection" => new CelAttribute((in FormatContext context) => Connection(context.Info)),
        "source" => new CelAttribute((in FormatContext context) => Endpoint(context.Info.DownstreamRemote, context.Info.DownstreamTls?.Peer)),
        "destination" => new CelAttribute((in FormatContext context) => Endpoint(context.Info.DownstreamLocal, context.Info.DownstreamTls?.Local)),
        "upstream" => new CelAttribute((in FormatContext context) => Upstream(context.Info)),
        "metadata" => new CelAttribute((in FormatContext context) => Metadata(context.Info)),
        "filter_state" => new CelAttribute((in FormatContext context) => State(context.Info)),
        "xds" => new CelAttribute((in FormatContext context) => Xds(context.Info)),
        // Istio's telemetry knows the two peers by names of their own.
        "downstream_peer" or "upstream_peer" => new CelAttribute((in FormatContext context) => context.Info.FilterState.Find(name) is ICelObject peer ? peer.ToCel() : CelValue.Error),
        _ => null,
    };

    public override CelValue Evaluate(in FormatContext context) => _read(context);

    private static CelValue Request(in FormatContext context)
    {
        var (info, headers, trailers) = (context.Info, context.Request, context.RequestTrailers);
        return CelValue.Of(field => field switch
        {
            "path" => Header(headers, KnownHeader.Path),
            "url_path" => Header(headers, KnownHeader.Path) is { Kind: CelKind.Text } path ? CelValue.Of(path.AsText.Split('?')[0]) : CelValue.Error,
            "query" => Header(headers, KnownHeader.Path) is { Kind: CelKind.Text } path ? CelValue.Of(path.AsText.Split('?', 2) is [_, var query] ? query : "") : CelValue.Error,
            "host" => Header(headers, KnownHeader.Authority),
            "scheme" => Header(headers, KnownHeader.Scheme),
            "method" => Header(headers, KnownHeader.Method),
            "referer" => Header(headers, "referer"u8),
            "useragent" => Header(headers, KnownHeader.UserAgent),
            "id" => Header(headers, KnownHeader.RequestId),
            "protocol" => CelValue.Of(info.Protocol),
            "headers" => Headers(headers),
            "trailers" when trailers is not null => Headers(trailers),
            "size" => CelValue.Of(info.BytesReceived),
            "total_size" => CelValue.Of(info.BytesReceived + headers.ByteSize),
            _ => CelValue.Error,
        });
    }

    private static CelValue Response(in FormatContext context)
    {
        var (info, headers, trailers) = (context.Info, context.Response, context.ResponseTrailers);
        return CelValue.Of(field => field switch
        {
            "code" when info.Status > 0 => CelValue.Of((long)info.Status),
            "code_details" when info.Details.Length > 0 => CelValue.Of(info.Details),
            "flags" => CelValue.Of((long)info.Flags),
            "grpc_status" => GrpcStatus.Of(trailers, headers) is >= 0 and var status ? CelValue.Of((long)status) : CelValue.Error,
            "headers" => Headers(headers),
            "trailers" when trailers is not null => Headers(trailers),
            "size" => CelValue.Of(info.BytesSent),
            "total_size" => CelValue.Of(info.BytesSent + headers.ByteSize),
            _ => CelValue.Error,
        });
    }

    private static CelValue Connection(StreamInfo info) => CelValue.Of(field => field switch
    {
        "id" => CelValue.Of((long)info.ConnectionId),
        "mtls" => CelValue.Of(info.DownstreamTls?.Peer is not null),
        "requested_server_name" when info.RequestedServerName.Length > 0 => CelValue.Of(info.RequestedServerName),
        "tls_version" when info.DownstreamTls is { } tls => CelValue.Of(tls.Version),
        "subject_local_certificate" when info.DownstreamTls?.Local is { } local => CelValue.Of(local.Subject),
        "subject_peer_certificate" when info.DownstreamTls?.Peer is { } peer => CelValue.Of(peer.Subject),
        "uri_san_local_certificate" when info.DownstreamTls?.Local is { UriNames: [var first, ..] } => CelValue.Of(first),
        "uri_san_peer_certificate" when info.DownstreamTls?.Peer is { UriNames: [var first, ..] } => CelValue.Of(first),
        "dns_san_local_certificate" when info.DownstreamTls?.Local is { DnsNames: [var first, ..] } => CelValue.Of(first),
        "dns_san_peer_certificate" when info.DownstreamTls?.Peer is { DnsNames: [var first, ..] } => CelValue.Of(first),
        "sha256_peer_certificate_digest" when info.DownstreamTls?.Peer is { } peer => CelValue.Of(peer.Sha256),
        "termination_details" when info.ConnectionTermination.Length > 0 => CelValue.Of(info.ConnectionTermination),
        _ => CelValue.Error,
    });

    private static CelValue Endpoint(SocketAddress address, CertificateFacts? certificate) => CelValue.Of(field => field switch
    {
        "address" when !address.IsNone => CelValue.Of(address.ToString()),
        "port" when !address.IsNone => CelValue.Of((long)address.Port),
        "principal" when certificate is { UriNames: [var first, ..] } => CelValue.Of(first),
        _ => CelValue.Error,
    });

    private static CelValue Upstream(StreamInfo info) => CelValue.Of(field => field switch
    {
        "address" when info.UpstreamHost is { } host => CelValue.Of(host.Text),
        "port" when info.UpstreamHost is { } host => CelValue.Of((long)host.Address.Port),
        "local_address" when !info.UpstreamLocal.IsNone => CelValue.Of(info.UpstreamLocal.ToString()),
        "transport_failure_reason" when info.TransportFailure.Length > 0 => CelValue.Of(info.TransportFailure),
        "request_attempt_count" => CelValue.Of((long)info.Attempts),
        "tls_version" when info.UpstreamTls is { } tls => CelValue.Of(tls.Version),
        "uri_san_peer_certificate" when info.UpstreamTls?.Peer is { UriNames: [var first, ..] } => CelValue.Of(first),
        "uri_san_local_certificate" when info.UpstreamTls?.Local is { UriNames: [var first, ..] } => CelValue.Of(first),
        _ => CelValue.Error,
    });

    private static CelValue Metadata(StreamInfo info) => CelValue.Of(field => field == "filter_metadata" ? CelValue.Of(name => CelValue.Of(info.Metadata.Find(name))) : CelValue.Error);

    private static CelValue State(StreamInfo info) => CelValue.Of(key => info.FilterState.Find(key) switch
    {
        null => CelValue.Error,
        ICelObject described => described.ToCel(),
        var other => CelValue.Of(other.ToString() ?? ""),
    });

    private static CelValue Xds(StreamInfo info) => CelValue.Of(field => field switch
    {
        "cluster_name" when info.Cluster.Length > 0 => CelValue.Of(info.Cluster),
        "route_name" when info.RouteName.Length > 0 => CelValue.Of(info.RouteName),
        _ => CelValue.Error,
    });

    private static CelValue Headers(HeaderMap headers) => CelValue.Of(name => Header(headers, Encoding.ASCII.GetBytes(name.ToLower(CultureInfo.InvariantCulture))));

    private static CelValue Header(HeaderMap headers, KnownHeader known) => headers.TryGet(known, out var value) ? CelValue.Of(Encoding.UTF8.GetString(value)) : CelValue.Error;

    private static CelValue Header(HeaderMap headers, ReadOnlySpan<byte> name) => headers.TryGet(name, out var value) ? CelValue.Of(Encoding.UTF8.GetString(value)) : CelValue.Error;
}

/// <summary>Filter state that expressions can look into.</summary>
internal interface ICelObject
{
    CelValue ToCel();
}
