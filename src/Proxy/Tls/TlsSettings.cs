namespace Lateen.Proxy.Tls;

/// <summary>
/// How one side of TLS behaves, without certificates and keys, which come and change apart from it. Immutable. Source:
/// envoy.extensions.transport_sockets.tls.v3, CommonTlsContext and its two users.
/// </summary>
internal sealed record TlsSettings
{
    public required bool IsServer { get; init; }

    /// <summary>Protocol versions as TLS numbers them (0x303 for 1.2).</summary>
    public int MinVersion { get; init; } = Interop.OpenSsl.Tls12;

    /// <inheritdoc cref="MinVersion"/>
    public int MaxVersion { get; init; } = Interop.OpenSsl.Tls13;

    /// <summary>Suites of TLS 1.2 and before, colons between; empty for <see cref="DefaultCiphers"/>.</summary>
    public string Ciphers { get; init; } = "";

    /// <summary>Key exchange groups, colons between.</summary>
    public string Groups { get; init; } = "X25519:P-256";

    /// <summary>Signature algorithms, colons between; empty for libssl's own.</summary>
    public string SignatureAlgorithms { get; init; } = "";

    /// <summary>ALPN protocols in order of preference, each behind a byte of its length.</summary>
    public byte[] Protocols { get; init; } = [];

    /// <summary>A client without a certificate is refused.</summary>
    public bool RequireClientCertificate { get; init; }

    /// <summary>A client that names no server is refused.</summary>
    public bool RequireServerName { get; init; }

    public bool DisableTickets { get; init; }

    public bool DisableSessionCache { get; init; }

    /// <summary>Seconds for which a session may be taken up; 0 for libssl's own.</summary>
    public long SessionSeconds { get; init; }

    public bool PreferClientCiphers { get; init; }

    /// <summary>Name that a client asks for.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>A client asks for the host's own name.</summary>
    public bool AutoHostName { get; init; }

    /// <summary>The certificate must have the name that was asked for.</summary>
    public bool RequireAskedName { get; init; }

    /// <summary>A client keeps sessions to take up again.</summary>
    public bool KeepSessions { get; init; } = true;

    /// <summary>Envoy's list for TLS 1.2.</summary>
    public const string DefaultCiphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
}

/// <summary>A certificate with its chain and key, as it was given. Immutable.</summary>
/// <param name="Chain">PEM, the leaf first.</param>
/// <param name="Key">PEM.</param>
/// <param name="Pkcs12">Both in one PKCS #12 store; empty when they are given in PEM.</param>
/// <param name="Password">Of the key or the store; empty for none.</param>
/// <param name="OcspStaple">DER; empty for none.</param>
/// <param name="Source">Where it came from, for the admin pages.</param>
internal sealed record TlsCertificateMaterial(byte[] Chain, byte[] Key, byte[] Pkcs12, string Password, byte[] OcspStaple, string Source);

/// <summary>Which names a certificate must have one of.</summary>
internal enum NameKind
{
    Any,
    Email,
    Dns,
    Uri,
    Address,
}

/// <summary>One accepted name. Immutable.</summary>
internal readonly record struct NameMatch(NameKind Kind, Http.Routing.StringMatch Match, string Exact);

/// <summary>What the other side's certificate is checked by. Immutable. Source: CertificateValidationContext.</summary>
internal sealed record PeerValidation
{
    /// <summary>Trusted certificates, PEM; empty for none.</summary>
    public byte[] Trusted { get; init; } = [];

    /// <summary>Trusts what the operating system trusts.</summary>
    public bool TrustSystem { get; init; }

    /// <summary>Revocation lists, PEM; empty for none.</summary>
    public byte[] Revocations { get; init; } = [];

    public bool RevocationsOfLeafOnly { get; init; }

    public NameMatch[] Names { get; init; } = [];

    /// <summary>SHA-256 of accepted certificates.</summary>
    public byte[][] Hashes { get; init; } = [];

    /// <summary>SHA-256 of accepted public keys (SubjectPublicKeyInfo).</summary>
    public byte[][] KeyHashes { get; init; } = [];

    public bool AllowExpired { get; init; }

    /// <summary>Accepts what fails, and says so in the connection's facts.</summary>
    public bool AcceptUntrusted { get; init; }

    /// <summary>Longest chain of intermediates; negative for libssl's own.</summary>
    public int MaxDepth { get; init; } = -1;

    /// <summary>Where the trusted certificates came from, for the admin pages.</summary>
    public string Source { get; init; } = "";

    public bool HasTrust => Trusted.Length > 0 || TrustSystem;

    /// <summary>There is anything to check by.</summary>
    public bool ChecksAnything => HasTrust || Names.Length > 0 || Hashes.Length > 0 || KeyHashes.Length > 0;
}
