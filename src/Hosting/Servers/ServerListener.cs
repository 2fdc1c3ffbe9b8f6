using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Hosting.Servers;

/// <summary>One address that a server listens on. Immutable.</summary>
/// <param name="Address">Address and port; port 0 takes a free one.</param>
public sealed record ServerListener(IPEndPoint Address)
{
    /// <summary>HTTP/2 alone lets gRPC do without TLS; both on one clear-text port cannot be told apart by Kestrel.</summary>
    public HttpProtocols Protocols { get; init; } = HttpProtocols.Http1;

    /// <summary>Certificate and key; null for clear text.</summary>
    public CertificateFiles? Certificate { get; init; }

    /// <summary>Authorities that client certificates must come from; null asks for none.</summary>
    public X509Certificate2Collection? ClientAuthorities { get; init; }

    /// <summary>A client without a certificate is refused; otherwise it is merely unauthenticated.</summary>
    public bool RequireClientCertificate { get; init; }

    /// <summary>Reads <c>:15014</c>, <c>127.0.0.1:9876</c> or <c>[::1]:80</c> as Istio's address flags have it.</summary>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static IPEndPoint ParseAddress(string text)
    {
        if (text.StartsWith(':') && ushort.TryParse(text.AsSpan(1), out var port)) return new IPEndPoint(IPAddress.IPv6Any, port);
        if (text.StartsWith("localhost:", StringComparison.Ordinal)) text = "127.0.0.1" + text["localhost".Length..];
        return text.Contains(':') && IPEndPoint.TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an address of the form [host]:port");
    }
}
