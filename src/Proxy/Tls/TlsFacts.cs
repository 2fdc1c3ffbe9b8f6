using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Tls;

/// <summary>What a finished handshake told of both sides; one for each connection. Immutable to its users; owned by one worker.</summary>
internal sealed record TlsFacts
{
    /// <summary>"TLSv1.2", "TLSv1.3".</summary>
    public required string Version { get; init; }

    /// <summary>OpenSSL's name of the cipher suite.</summary>
    public required string Cipher { get; init; }

    /// <summary>The name that the client asked for; empty when it did not.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>The protocol that ALPN chose; empty for none.</summary>
    public string Protocol { get; init; } = "";

    /// <summary>The session was taken up from an earlier connection.</summary>
    public bool IsResumed { get; init; }

    /// <summary>Hexadecimal id of the session; empty when it has none.</summary>
    public string SessionId { get; init; } = "";

    /// <summary>The other side's certificate; null when it showed none.</summary>
    public CertificateFacts? Peer { get; init; }

    /// <summary>The peer's certificate was checked against trusted ones, and passed.</summary>
    public bool IsPeerVerified { get; init; }

    /// <summary>Our own certificate; null when we showed none.</summary>
    public CertificateFacts? Local { get; init; }

    private (ClientCertDetails Details, byte[] Element)? _forwarded;

    /// <summary>The connection's element of x-forwarded-client-cert, written once.</summary>
    public byte[] ForwardedElement(ClientCertDetails details)
    {
        if (_forwarded is not { } written || written.Details != details) _forwarded = written = (details, ForwardedClientCert.Write(this, details));
        return written.Element;
    }
}
