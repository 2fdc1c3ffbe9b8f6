using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Tls;

/// <summary>Where a secret comes from. Immutable.</summary>
/// <param name="Kind">Which of the sources.</param>
/// <param name="Target">Name of the cluster, or path of the file; empty for the others.</param>
internal readonly record struct SecretSource(SecretSourceKind Kind, string Target = "");

/// <inheritdoc cref="SecretSource"/>
internal enum SecretSourceKind
{
    Bootstrap,
    Ads,
    Cluster,
    File,
}

/// <summary>
/// One named secret and the last good value of it; shared by all that use it. Written by <see cref="SecretStore"/> under its
/// lock, read by any thread.
/// </summary>
internal sealed class SecretSlot(SecretSource source, string name, long patienceMs) : IDependency
{
    private volatile TlsCertificateMaterial? _certificate;
    private volatile PeerValidation? _validation;
    private volatile byte[]? _ticketKeys;
    private long _version;

    public SecretSource Source => source;

    public string Name => name;

    /// <summary>Version that the control plane gave it.</summary>
    public string VersionInfo { get; private set; } = "";

    public DateTime UpdatedUtc { get; private set; }

    public TlsCertificateMaterial? Certificate => _certificate;

    public PeerValidation? Validation => _validation;

    public byte[]? TicketKeys => _ticketKeys;

    /// <summary>Grows with every change.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>Something has come.</summary>
    public bool HasValue => Version > 0;

    bool IDependency.IsThere => HasValue;

    public long PatienceMs => patienceMs;

    /// <summary>The message as it came, and the files that it names; for watching them.</summary>
    internal Envoy.Extensions.TransportSockets.Tls.V3.Secret? Message { get; private set; }

    internal void Set(Envoy.Extensions.TransportSockets.Tls.V3.Secret message, string version, TlsCertificateMaterial? certificate, PeerValidation? validation, byte[]? ticketKeys)
    {
        (_certificate, _validation, _ticketKeys) = (certificate, validation, ticketKeys);
        (Message, VersionInfo, UpdatedUtc) = (message, version, DateTime.UtcNow);
        Interlocked.Increment(ref _version);
    }
}
