using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Http.Connections;

/// <summary>What of a client's certificate is passed on.</summary>
[Flags]
internal enum ClientCertDetails
{
    None = 0,
    Cert = 1,
    Subject = 2,
    Uri = 4,
    Dns = 8,
}

/// <summary>
/// Passes on who the client is in x-forwarded-client-cert. Source: Envoy's "x-forwarded-client-cert" of the HTTP connection
/// manager's documentation.
/// </summary>
internal static class ForwardedClientCert
{
    public static void Apply(HttpExchange exchange)
    {
        var (request, mode) = (exchange.Request, exchange.Hcm.ClientCert);
        if (mode == ClientCertHeader.AlwaysForward) return;
        if (mode == ClientCertHeader.Sanitize || exchange.Info.DownstreamTls is not { Peer: not null } tls)
        {
            request.Remove(KnownHeader.ForwardedClientCert);
            return;
        }
        if (mode == ClientCertHeader.ForwardOnly) return;
        var own = tls.ForwardedElement(exchange.Hcm.ClientCertDetails);
        if (mode == ClientCertHeader.SanitizeSet || !request.TryGet(KnownHeader.ForwardedClientCert, out var before))
        {
            request.Set(KnownHeader.ForwardedClientCert, own);
            return;
        }
        var joined = exchange.Scratch;
        joined.Clear();
        joined.Append(before);
        joined.Append((byte)',');
        joined.Append(own);
        request.Set(KnownHeader.ForwardedClientCert, joined.Span);
    }

    /// <summary>The element of one connection.</summary>
    public static byte[] Write(TlsFacts tls, ClientCertDetails details)
    {
        var parts = new List<string>();
        var peer = tls.Peer!;
        if (tls.Local is { UriNames: [var local, ..] }) parts.Add("By=" + local);
        parts.Add("Hash=" + peer.Sha256);
        if (details.HasFlag(ClientCertDetails.Cert)) parts.Add($"Cert=\"{peer.UrlEncodedPem}\"");
        if (details.HasFlag(ClientCertDetails.Subject)) parts.Add($"Subject=\"{peer.Subject}\"");
        if (details.HasFlag(ClientCertDetails.Uri))
        {
            if (peer.UriNames.Count == 0) parts.Add("URI=");
            foreach (var uri in peer.UriNames) parts.Add("URI=" + uri);
        }
        if (details.HasFlag(ClientCertDetails.Dns))
            foreach (var name in peer.DnsNames)
                parts.Add("DNS=" + name);
        // Names come from certificates: what could end the header is none of them.
        return Encoding.Latin1.GetBytes(string.Join(';', parts).Replace('\r', ' ').Replace('\n', ' ').Replace('\0', ' '));
    }
}
