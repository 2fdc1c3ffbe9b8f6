using Lateen.Proxy.Buffers;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.AccessLogs;

/// <summary>The format operators of TLS, of both sides. Source: Envoy's access log documentation, "DOWNSTREAM_PEER_URI_SAN" and its siblings.</summary>
internal static class TlsOperators
{
    private delegate string? Reader(TlsFacts facts);

    /// <summary>The writer of an operator, or null for a name that is none.</summary>
    public static FormatString.Operator? Find(string name, string argument)
    {
        var isDownstream = name.StartsWith("DOWNSTREAM_", StringComparison.Ordinal);
        if (!isDownstream && !name.StartsWith("UPSTREAM_", StringComparison.Ordinal)) return null;
        if (Read(name[(isDownstream ? 11 : 9)..], argument) is not { } read) return null;
        return (ByteBuilder output, in FormatContext context) =>
        {
            var facts = isDownstream ? context.Info.DownstreamTls : context.Info.UpstreamTls;
            if (facts is null || read(facts) is not { Length: > 0 } text) return false;
            output.Append(text);
            return true;
        };
    }

    private static Reader? Read(string name, string argument) => name switch
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
        "PEER_CERT_V_START" => facts => facts.Peer is { } peer ? Time(peer.ValidFrom, argument) : null,
        "PEER_CERT_V_END" => facts => facts.Peer is { } peer ? Time(peer.ValidTo, argument) : null,
        "LOCAL_SUBJECT" => static facts => facts.Local?.Subject,
        "LOCAL_URI_SAN" => static facts => Join(facts.Local?.UriNames),
        "LOCAL_DNS_SAN" => static facts => Join(facts.Local?.DnsNames),
        "LOCAL_IP_SAN" => static facts => Join(facts.Local?.AddressNames),
        "LOCAL_EMAIL_SAN" => static facts => Join(facts.Local?.EmailNames),
        _ => null,
    };

    private static string? Join(IReadOnlyList<string>? names) => names is null ? null : names.Count == 1 ? names[0] : string.Join(',', names);

    private static string Time(DateTime utc, string format) =>
        utc.ToString(format.Length == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff'Z'" : StrftimeFormat.ToNet(format), System.Globalization.CultureInfo.InvariantCulture);
}
