using Lateen.Proxy.Stats;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tls;

/// <summary>
/// The context of one transport socket as long as that is configured: made when a connection first asks, and again after one of
/// its secrets has changed. While a new one cannot be made the last good one serves. Any thread.
/// </summary>
internal sealed class TlsContextState
{
    private readonly Lock _gate = new();
    private readonly TlsSettings _settings;
    private readonly TlsCertificateMaterial[] _certificates;
    private readonly SecretSlot[] _certificateSlots;
    private readonly PeerValidation? _validation;
    private readonly SecretSlot? _validationSlot;
    private readonly byte[]? _ticketKeys;
    private readonly SecretSlot? _ticketSlot;
    private readonly TlsStats _stats;
    private readonly ILogger _log;
    private volatile TlsContext? _current;
    private long _version = -1;

    public TlsContextState(TlsSettings settings, TlsSources sources, TlsStats stats, ILogger log)
    {
        (_settings, _stats, _log) = (settings, stats, log);
        (_certificates, _certificateSlots, _validation, _validationSlot) = (sources.Certificates, sources.CertificateSlots, sources.Validation, sources.ValidationSlot);
        (_ticketKeys, _ticketSlot) = (sources.TicketKeys, sources.TicketSlot);
        Needs = [.. sources.Slots];
    }

    /// <summary>The secrets that it waits for.</summary>
    public IReadOnlyList<SecretSlot> Needs { get; }

    public TlsSettings Settings => _settings;

    public TlsStats Stats => _stats;

    /// <summary>Every secret has come.</summary>
    public bool IsReady => Array.TrueForAll(_certificateSlots, slot => slot.Certificate is not null) && (_validationSlot is null || _validationSlot.Validation is not null)
        && (_ticketSlot is null || _ticketSlot.TicketKeys is not null);

    /// <summary>The context for a new connection; null while a secret is missing.</summary>
    public TlsContext? Current => _current is { } current && _version == Version ? current : Renew();

    /// <summary>The context that serves, if one was made.</summary>
    public TlsContext? Made => _current;

    /// <summary>Makes the first context now.</summary>
    /// <exception cref="TlsMaterialException">What the configuration itself gives is not usable.</exception>
    public void Check()
    {
        if (IsReady) Make();
    }

    private long Version
    {
        get
        {
            var sum = (_validationSlot?.Version ?? 0) + (_ticketSlot?.Version ?? 0);
            foreach (var slot in _certificateSlots) sum += slot.Version;
            return sum;
        }
    }

    private TlsContext? Renew()
    {
        lock (_gate)
        {
            var version = Version;
            if (_current is not null && _version == version) return _current;
            if (!IsReady) return _current;
            try
            {
                Make();
            }
            catch (TlsMaterialException e)
            {
                // Each secret by itself was usable: it is this combination that is not.
                _log.LogWarning("new certificates are not usable: {Problem}; the ones before stay in use", e.Message);
                _version = version;
            }
            return _current;
        }
    }

    private void Make()
    {
        var version = Version;
        var certificates = _certificateSlots.Length == 0 ? _certificates : [.. _certificates, .. _certificateSlots.Select(slot => slot.Certificate!)];
        var validation = _validationSlot?.Validation is { } dynamic ? Combine(_validation, dynamic) : _validation;
        var isUpdate = _current is not null;
        _current = new TlsContext(_settings, certificates, validation, _ticketSlot?.TicketKeys ?? _ticketKeys, _stats);
        _version = version;
        if (isUpdate) _stats.OnUpdate();
    }

    /// <summary>The secret's rules on top of the configuration's own: lists are joined, single values replaced. Source: CombinedCertificateValidationContext.</summary>
    private static PeerValidation Combine(PeerValidation? fixedRules, PeerValidation dynamic) => fixedRules is null ? dynamic : fixedRules with
    {
        Trusted = dynamic.Trusted.Length > 0 ? dynamic.Trusted : fixedRules.Trusted,
        TrustSystem = dynamic.TrustSystem || fixedRules.TrustSystem,
        Source = dynamic.Trusted.Length > 0 ? dynamic.Source : fixedRules.Source,
        Revocations = dynamic.Revocations.Length > 0 ? dynamic.Revocations : fixedRules.Revocations,
        RevocationsOfLeafOnly = dynamic.RevocationsOfLeafOnly || fixedRules.RevocationsOfLeafOnly,
        Names = [.. fixedRules.Names, .. dynamic.Names],
        Hashes = [.. fixedRules.Hashes, .. dynamic.Hashes],
        KeyHashes = [.. fixedRules.KeyHashes, .. dynamic.KeyHashes],
        AllowExpired = dynamic.AllowExpired || fixedRules.AllowExpired,
        AcceptUntrusted = dynamic.AcceptUntrusted || fixedRules.AcceptUntrusted,
        MaxDepth = dynamic.MaxDepth >= 0 ? dynamic.MaxDepth : fixedRules.MaxDepth,
    };
}

/// <summary>Where a context's certificates and rules come from: the configuration itself, secrets, or both. Immutable.</summary>
internal sealed record TlsSources(
    TlsCertificateMaterial[] Certificates, SecretSlot[] CertificateSlots, PeerValidation? Validation, SecretSlot? ValidationSlot, byte[]? TicketKeys = null, SecretSlot? TicketSlot = null)
{
    public IEnumerable<SecretSlot> Slots => [.. CertificateSlots, .. new[] { ValidationSlot, TicketSlot }.OfType<SecretSlot>()];
}
