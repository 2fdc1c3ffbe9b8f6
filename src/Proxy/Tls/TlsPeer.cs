using Lateen.Proxy.Network;

namespace Lateen.Proxy.Tls;

/// <summary>What is expected of one upstream connection beyond its context. Immutable.</summary>
/// <param name="Address">Keeps sessions of different hosts apart.</param>
/// <param name="ServerName">Name to ask for; empty for that of the context.</param>
/// <param name="Protocols">ALPN list in wire form to offer instead of the context's; null for the context's.</param>
/// <param name="RequiredName">DNS name or address that the certificate must have beside the context's own rules; empty for none.</param>
internal readonly record struct TlsPeer(SocketAddress Address, string ServerName = "", byte[]? Protocols = null, string RequiredName = "");

/// <summary>What the check of the other side's certificate came to.</summary>
internal enum VerifyOutcome
{
    /// <summary>Nothing was checked: no certificate, or nothing to check it by.</summary>
    None,
    Verified,

    /// <summary>It failed and was accepted all the same, as configured.</summary>
    Untrusted,
    NoCertificate,
    BadChain,
    BadName,
    BadHash,
}
