using Lateen.Proxy.Buffers;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Operators of what the handshakes told: DOWNSTREAM_PEER_URI_SAN and its siblings of both sides.</summary>
internal static class TlsOperators
{
    private delegate TlsFacts? Side(in FormatContext context);

    /// <summary>Null for a name that is none of them.</summary>
    public static FormatString.Operator? Find(string name)
    {
        if (name.StartsWith("DOWNSTREAM_", StringComparison.Ordinal)) return Of(name["DOWNSTREAM_".Length..], static (in FormatContext context) => context.Info.DownstreamTls);
        return name.StartsWith("UPSTREAM_", StringComparison.Ordinal) ? Of(name["UPSTREAM_".Length..], static (in FormatContext context) => context.Info.UpstreamTls) : null;
    }

    private static FormatString.Operator? Of(string name, Side side)
    {
        Func<TlsFacts, string?>? read = name switch
        {
            "TLS_VERSION" => tls => tls.Version,
            "TLS_CIPHER" => tls => tls.Cipher,
            "TLS_SESSION_ID" => tls => tls.SessionId,
            "PEER_SUBJECT" => tls => tls.Peer?.Subject,
            "PEER_ISSUER" => tls => tls.Peer?.Issuer,
            "PEER_SERIAL" => tls => tls.Peer?.Serial,
            "PEER_FINGERPRINT_256" => tls => tls.Peer?.Sha256,
            "PEER_CERT" => tls => tls.Peer?.UrlEncodedPem,
            "PEER_URI_SAN" => tls => Join(tls.Peer?.UriNames),
            "PEER_DNS_SAN" => tls => Join(tls.Peer?.DnsNames),
            "PEER_EMAIL_SAN" => tls => Join(tls.Peer?.EmailNames),
            "PEER_IP_SAN" => tls => Join(tls.Peer?.AddressNames),
            "PEER_CERT_V_START" => tls => Day(tls.Peer?.ValidFrom),
            "PEER_CERT_V_END" => tls => Day(tls.Peer?.ValidTo),
            "LOCAL_SUBJECT" => tls => tls.Local?.Subject,
            "LOCAL_URI_SAN" => tls => Join(tls.Local?.UriNames),
            "LOCAL_DNS_SAN" => tls => Join(tls.Local?.DnsNames),
            "LOCAL_EMAIL_SAN" => tls => Join(tls.Local?.EmailNames),
            "LOCAL_IP_SAN" => tls => Join(tls.Local?.AddressNames),
            _ => null,
        };
        if (read is null) return null;
        return (ByteBuilder output, in FormatContext context) =>
        {
            if (side(context) is not { } tls || read(tls) is not { Length: > 0 } text) return false;
            output.Append(text);
            return true;
        };
    }

    private static string? Join(IReadOnlyList<string>? names) => names is null ? null : names.Count == 1 ? names[0] : string.Join(',', names);

    private static string? Day(DateTime? time) => time?.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
