using System.Collections.Concurrent;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Stats;

/// <summary>
/// Statistics of TLS on one listener or cluster; versions and ciphers get a counter when they are first seen. Source: Envoy's
/// "TLS statistics". Counting: the worker's thread only.
/// </summary>
internal sealed class TlsStats
{
    private readonly StatsStore _store;
    private readonly string _prefix;
    private readonly TlsCounters _counters;
    private readonly ConcurrentDictionary<string, TlsChoiceCounter> _choices = new(StringComparer.Ordinal);

    /// <param name="store">Holds the counters.</param>
    /// <param name="prefix">Of the listener or cluster, dot included.</param>
    public TlsStats(StatsStore store, string prefix)
    {
        (_store, _prefix) = (store, prefix + "ssl.");
        _counters = store.Group(_prefix, static (prefix, workers) => new TlsCounters(prefix, workers));
    }

    public void OnHandshake(Worker worker, TlsFacts facts, VerifyOutcome outcome, bool isServer)
    {
        _counters.Add(worker, TlsCounters.Handshake);
        if (facts.IsResumed) _counters.Add(worker, TlsCounters.SessionReused);
        if (facts.Peer is null && isServer) _counters.Add(worker, TlsCounters.NoCertificate);
        if (outcome == VerifyOutcome.Untrusted) _counters.Add(worker, TlsCounters.FailVerifyError);
        Choice("versions.", facts.Version).Add(worker, 0);
        Choice("ciphers.", facts.Cipher).Add(worker, 0);
    }

    public void OnHandshakeFailed(Worker worker, VerifyOutcome outcome, bool hasError)
    {
        if (hasError) _counters.Add(worker, TlsCounters.ConnectionError);
        switch (outcome)
        {
            case VerifyOutcome.NoCertificate:
                _counters.Add(worker, TlsCounters.FailVerifyNoCert);
                break;
            case VerifyOutcome.BadChain:
                _counters.Add(worker, TlsCounters.FailVerifyError);
                break;
            case VerifyOutcome.BadName:
                _counters.Add(worker, TlsCounters.FailVerifySan);
                break;
            case VerifyOutcome.BadHash:
                _counters.Add(worker, TlsCounters.FailVerifyCertHash);
                break;
        }
    }

    /// <summary>New certificates are in use. Any thread.</summary>
    public void OnUpdate() => _counters.AddShared(TlsCounters.ContextUpdate);

    /// <summary>A connection came before there were certificates.</summary>
    public void OnNotReady(Worker worker) => _counters.Add(worker, TlsCounters.NotReady);

    private TlsChoiceCounter Choice(string kind, string name) =>
        _choices.TryGetValue(name, out var counter)
            ? counter
            : _choices[name] = _store.Group(_prefix + kind + name, static (prefix, workers) => new TlsChoiceCounter(prefix, workers));
}

/// <summary>The fields that every user of TLS has.</summary>
internal sealed class TlsCounters(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int ConnectionError = 0, Handshake = 1, SessionReused = 2, NoCertificate = 3, FailVerifyNoCert = 4, FailVerifyError = 5, FailVerifySan = 6, FailVerifyCertHash = 7,
        ContextUpdate = 8, NotReady = 9;

    private static readonly StatField[] All =
    [
        new("connection_error"), new("handshake"), new("session_reused"), new("no_certificate"), new("fail_verify_no_cert"), new("fail_verify_error"), new("fail_verify_san"),
        new("fail_verify_cert_hash"), new("ssl_context_update_by_sds"), new("context_not_ready"),
    ];
}

/// <summary>Counts one version or cipher; the whole name is the prefix.</summary>
internal sealed class TlsChoiceCounter(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    private static readonly StatField[] All = [new("")];
}
