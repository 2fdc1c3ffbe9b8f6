using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.AccessLogs;

/// <summary>The format operators of TLS, of both sides. Source: Envoy's access log documentation, "DOWNSTREAM_PEER_URI_SAN" and its siblings.</summary>
internal static class TlsOperators
{
    private delegate string? Reader(TlsFacts facts);

    /// <summary>The writer of an operator, or null for a name that is none.</summary>
    public static FormatString.Operator? Find(string name, string argument, string path)
    {
        var isDownstream = name.StartsWith("DOWNSTREAM_", StringComparison.Ordinal);
        if (!isDownstream && !name.StartsWith("UPSTREAM_", StringComparison.Ordinal)) return null;
        CertificateFacts? Peer(StreamInfo info) => (isDownstream ? info.DownstreamTls : info.UpstreamTls)?.Peer;
        FormatString.Operator Moment(Func<CertificateFacts, DateTime> time)
        {
            var write = TimeOperators.Moment(argument, info => time(Peer(info)!), path);
            return (ByteBuilder output, in FormatContext context) => Peer(context.Info) is not null && write(output, context);
        }
        var fact = name[(isDownstream ? 11 : 9)..];
        if (fact == "PEER_CERT_V_START") return Moment(static peer => peer.ValidFrom);
        if (fact == "PEER_CERT_V_END") return Moment(static peer => peer.ValidTo);
        if (Read(fact) is not { } read) return null;
        return (ByteBuilder output, in FormatContext context) =>
        {
            var facts = isDownstream ? context.Info.DownstreamTls : context.Info.UpstreamTls;
            if (facts is null || read(facts) is not { Length: > 0 } text) return false;
            output.Append(text);
            return true;
        };
    }

    private static Reader? Read(string name) => name switch
    {
        "TLS_VERSION" => static facts => facts.Version,
        "TLS_CIPHER" => static facts => facts.Cipher,
        "TLS_SESSION_ID" => static facts => facts.SessionId,
        "PEER_SUBJECT" => static facts => facts.Peer?.Subject,
        "PEER_ISSUER" => static facts => facts.Peer?.Issuer,
        "PEER_SERIAL" => static facts => facts.Peer?.Serial,
        "PEER_URI_SAN" => static facts => Join(facts.Peer?.UriNames),
        "PEER_DNS_SAN" => static facts => Join(facts.Peer?.DnsNames),
        "PEER_IP_SAN" => static facts => Join(facts.Peer?.AddressNames),
        "PEER_EMAIL_SAN" => static facts => Join(facts.Peer?.EmailNames),
        "PEER_FINGERPRINT_256" => static facts => facts.Peer?.Sha256,
        "PEER_CERT" => static facts => facts.Peer?.UrlEncodedPem,
        "LOCAL_SUBJECT" => static facts => facts.Local?.Subject,
        "LOCAL_URI_SAN" => static facts => Join(facts.Local?.UriNames),
        "LOCAL_DNS_SAN" => static facts => Join(facts.Local?.DnsNames),
        "LOCAL_IP_SAN" => static facts => Join(facts.Local?.AddressNames),
        "LOCAL_EMAIL_SAN" => static facts => Join(facts.Local?.EmailNames),
        _ => null,
    };

    private static string? Join(IReadOnlyList<string>? names) => names is null ? null : names.Count == 1 ? names[0] : string.Join(',', names);
}
