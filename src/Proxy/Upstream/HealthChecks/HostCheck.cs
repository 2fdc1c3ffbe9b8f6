using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Outliers;

namespace Lateen.Proxy.Upstream.HealthChecks;

/// <summary>
/// The checks of one host: when the next is due, and what a row of results means. Driven by the sweep; results come on the
/// pool, one at a time. Source: Envoy, HealthCheckerImplBase.
/// </summary>
internal sealed class HostCheck : IDisposable
{
    private readonly ClusterState _cluster;
    private readonly HealthProbe _probe;
    private readonly Random _random;
    private int _failures, _successes;
    private bool _isFirst;
    private Task _running = Task.CompletedTask;

    public HostCheck(ClusterState cluster, HostState host, HealthCheckSettings settings, long now, Random random)
    {
        (_cluster, Host, Settings, _random) = (cluster, host, settings, random);
        _probe = new HealthProbe(settings, cluster.Snapshot, host);
        Due = now + (settings.Times.InitialJitterMs > 0 ? random.NextInt64(settings.Times.InitialJitterMs) : 0);
        _isFirst = (host.Flags & HostFlags.PendingFirstCheck) != 0 || (host.Flags & HostFlags.FailedActiveCheck) != 0;
    }

    public HostState Host { get; }

    public HealthCheckSettings Settings { get; }

    /// <summary>When it is asked again, in the workers' milliseconds.</summary>
    public long Due { get; private set; }

    /// <summary>Asks when it is time and no question is open.</summary>
    public void Tick(long now, CancellationToken stop)
    {
        if (now < Due || !_running.IsCompleted) return;
        _running = Task.Run(() => AskAsync(stop), stop);
    }

    public void Dispose() => _probe.Dispose();

    private async Task AskAsync(CancellationToken stop)
    {
        _cluster.Stats.AddShared(ClusterStats.CheckAttempt);
        var result = await _probe.AskAsync(stop).ConfigureAwait(false);
        if (stop.IsCancellationRequested) return;
        var passed = result is CheckResult.Passed or CheckResult.PassedDegraded;
        var changed = passed ? Passed(result == CheckResult.PassedDegraded) : Failed(result);
        _isFirst = false;
        if (changed) _cluster.RefreshHealth();
        var isWell = (Host.Flags & HostFlags.FailedActiveCheck) == 0;
        Due = ClusterState.Now + Settings.Times.Pause(isWell, changed, _cluster.Stats.Read(ClusterStats.CxTotal) > 0, _random);
    }

    /// <summary>True when the host's standing changed.</summary>
    private bool Passed(bool degraded)
    {
        _cluster.Stats.AddShared(ClusterStats.CheckSuccess);
        _failures = 0;
        var changed = Host.Mark(HostFlags.DegradedByCheck, degraded) | Host.Mark(HostFlags.PendingFirstCheck | HostFlags.CheckTimedOut, on: false);
        OutlierDetection.OnCheckPassed(_cluster, Host);
        if ((Host.Flags & HostFlags.FailedActiveCheck) == 0) return changed;
        // The first check decides alone.
        if (!_isFirst && ++_successes < Settings.HealthyThreshold) return changed;
        _successes = 0;
        Host.InRotationSince = ClusterState.Now;
        return Host.Mark(HostFlags.FailedActiveCheck, on: false) | changed;
    }

    private bool Failed(CheckResult result)
    {
        _cluster.Stats.AddShared(ClusterStats.CheckFailure);
        if (result is CheckResult.NetworkFailure or CheckResult.Timeout) _cluster.Stats.AddShared(ClusterStats.CheckNetworkFailure);
        _successes = 0;
        var changed = Host.Mark(HostFlags.PendingFirstCheck, on: false);
        // parity: an answer that means ill counts at once, silence only in a row.
        if (!_isFirst && result != CheckResult.Failure && ++_failures < Settings.UnhealthyThreshold) return changed;
        _failures = 0;
        changed |= Host.Mark(HostFlags.CheckTimedOut, result == CheckResult.Timeout);
        if (!Host.Mark(HostFlags.FailedActiveCheck, on: true)) return changed;
        if (_cluster.Snapshot.CloseOnHealthFailure) Host.CloseConnections();
        return true;
    }
}
