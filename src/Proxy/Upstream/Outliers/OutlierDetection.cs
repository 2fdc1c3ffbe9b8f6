using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Outliers;

/// <summary>
/// Puts hosts aside that fail several times in a row, or more often than the others, and lets them come back after a while that
/// grows with each time. Workers count without locks; once an interval the hosts are compared on the pool. Source: Envoy's
/// "Outlier detection".
/// </summary>
internal static class OutlierDetection
{
    /// <summary>A host answered.</summary>
    public static void OnResponse(ClusterState cluster, HostState host, int status, Worker worker)
    {
        if (cluster.Snapshot.Outliers is not { } settings) return;
        if (settings.SplitLocal) CountAttempt(cluster, host, good: true, settings, worker);
        CountAnswer(cluster, host, status, settings, worker);
    }

    /// <summary>A connection was made and nothing more is known: TCP.</summary>
    public static void OnConnected(ClusterState cluster, HostState host, Worker worker)
    {
        if (cluster.Snapshot.Outliers is not { } settings) return;
        if (settings.SplitLocal) CountAttempt(cluster, host, good: true, settings, worker);
        else CountAnswer(cluster, host, 200, settings, worker);
    }

    /// <summary>A host could not be reached, broke off or did not answer in time; the status that it counts as, or 0 to count nothing.</summary>
    public static void OnFailure(ClusterState cluster, HostState host, int status, Worker worker)
    {
        if (status == 0 || cluster.Snapshot.Outliers is not { } settings) return;
        if (settings.SplitLocal) CountAttempt(cluster, host, good: false, settings, worker);
        else CountAnswer(cluster, host, status, settings, worker);
    }

    /// <summary>A health check of an ejected host passed.</summary>
    public static void OnCheckPassed(ClusterState cluster, HostState host)
    {
        if (!host.IsEjected || cluster.Snapshot.Outliers is not { UnejectOnCheck: true }) return;
        lock (cluster.Gate)
            if (!Uneject(cluster, host, ClusterState.Now))
                return;
        cluster.RefreshHealth();
    }

    /// <summary>
    /// Once an interval: 1. lets those come back whose time is over; 2. compares the success rates and ejects the worst.
    /// </summary>
    public static void Compare(ClusterState cluster, OutlierSettings settings, long now, Random random)
    {
        var changed = false;
        lock (cluster.Gate)
        {
            // 1
            var hosts = cluster.Hosts.All;
            foreach (var host in hosts)
            {
                var state = host.Outliers;
                if (!host.IsEjected)
                {
                    if (state.Backoff > 0) state.Backoff--;
                    continue;
                }
                var most = Math.Max(settings.MaxEjectionMs, settings.BaseEjectionMs);
                if (now - state.EjectedAt >= Math.Min(settings.BaseEjectionMs * state.Backoff, most) + state.JitterMs) changed |= Uneject(cluster, host, now);
            }

            // 2
            changed |= CompareRates(cluster, hosts, settings, local: false, now, random);
            if (settings.SplitLocal) changed |= CompareRates(cluster, hosts, settings, local: true, now, random);
        }
        if (changed) cluster.RefreshHealth();
    }

    private static void CountAnswer(ClusterState cluster, HostState host, int status, OutlierSettings settings, Worker worker)
    {
        var state = host.Outliers;
        state.Answers.Add(status < 500);
        if (status < 500)
        {
            // Written only when there is something to forget: the line stays with all workers.
            if (state.Consecutive5xx != 0) Volatile.Write(ref state.Consecutive5xx, 0);
            if (state.ConsecutiveGateway != 0) Volatile.Write(ref state.ConsecutiveGateway, 0);
            return;
        }
        if (status is >= 502 and <= 504)
        {
            if (Interlocked.Increment(ref state.ConsecutiveGateway) == settings.ConsecutiveGateway) OnConsecutive(cluster, host, EjectionKind.ConsecutiveGateway, settings, worker);
        }
        else Volatile.Write(ref state.ConsecutiveGateway, 0);
        if (Interlocked.Increment(ref state.Consecutive5xx) == settings.Consecutive5xx) OnConsecutive(cluster, host, EjectionKind.Consecutive5xx, settings, worker);
    }

    private static void CountAttempt(ClusterState cluster, HostState host, bool good, OutlierSettings settings, Worker worker)
    {
        var state = host.Outliers;
        state.Attempts.Add(good);
        if (good)
        {
            if (state.ConsecutiveLocal != 0) Volatile.Write(ref state.ConsecutiveLocal, 0);
        }
        else if (Interlocked.Increment(ref state.ConsecutiveLocal) == settings.ConsecutiveLocal) OnConsecutive(cluster, host, EjectionKind.ConsecutiveLocal, settings, worker);
    }

    private static void OnConsecutive(ClusterState cluster, HostState host, EjectionKind kind, OutlierSettings settings, Worker worker)
    {
        bool ejected;
        lock (cluster.Gate)
        {
            // Another worker may have seen the same failures.
            ejected = !host.IsEjected && Eject(cluster, host, kind, settings, worker.Now, worker.Random);
            switch (kind)
            {
                case EjectionKind.Consecutive5xx:
                    Volatile.Write(ref host.Outliers.Consecutive5xx, 0);
                    break;
                case EjectionKind.ConsecutiveGateway:
                    Volatile.Write(ref host.Outliers.ConsecutiveGateway, 0);
                    break;
                default:
                    Volatile.Write(ref host.Outliers.ConsecutiveLocal, 0);
                    break;
            }
        }
        if (ejected) cluster.RefreshHealth();
    }

    private static bool CompareRates(ClusterState cluster, HostState[] hosts, OutlierSettings settings, bool local, long now, Random random)
    {
        var counted = new List<(HostState Host, int Volume, double Rate)>();
        foreach (var host in hosts)
        {
            var (all, good) = (local ? host.Outliers.Attempts : host.Outliers.Answers).Take();
            if (all > 0 && !host.IsEjected) counted.Add((host, all, 100.0 * good / all));
        }
        var changed = false;
        var rated = counted.FindAll(one => one.Volume >= settings.SuccessRateVolume);
        if (rated.Count > 0 && rated.Count >= settings.SuccessRateHosts)
        {
            var mean = rated.Average(one => one.Rate);
            var deviation = Math.Sqrt(rated.Average(one => (one.Rate - mean) * (one.Rate - mean)));
            var least = mean - deviation * settings.SuccessRateFactor / 1000;
            foreach (var (host, _, rate) in rated)
                if (rate < least)
                    changed |= Eject(cluster, host, local ? EjectionKind.LocalSuccessRate : EjectionKind.SuccessRate, settings, now, random);
        }
        var measured = counted.FindAll(one => one.Volume >= settings.FailureVolume);
        if (measured.Count == 0 || measured.Count < settings.FailureHosts) return changed;
        foreach (var (host, _, rate) in measured)
            if (!host.IsEjected && 100 - rate >= settings.FailureThreshold)
                changed |= Eject(cluster, host, local ? EjectionKind.LocalFailurePercentage : EjectionKind.FailurePercentage, settings, now, random);
        return changed;
    }

    /// <summary>Under the cluster's gate. True when the host is out now.</summary>
    private static bool Eject(ClusterState cluster, HostState host, EjectionKind kind, OutlierSettings settings, long now, Random random)
    {
        var (stats, hosts) = (cluster.Stats, cluster.Hosts.All);
        var ejected = hosts.Count(other => other.IsEjected);
        // parity: not even the first host is ejected when that is more than the percentage, unless always_eject_one_host says so.
        if (100.0 * (ejected + 1) / hosts.Length > settings.MaxEjectionPercent && !(ejected == 0 && settings.AlwaysOne))
        {
            stats.AddShared(ClusterStats.EjectionsOverflow);
            return false;
        }
        stats.AddShared(ClusterStats.EjectionsDetected + (int)kind);
        if (random.Next(100) >= settings.Enforcing[(int)kind]) return false;
        var state = host.Outliers;
        state.EjectedAt = now;
        state.JitterMs = settings.JitterMs > 0 ? random.NextInt64(settings.JitterMs + 1) : 0;
        if (settings.BaseEjectionMs * state.Backoff <= settings.MaxEjectionMs) state.Backoff++;
        host.Mark(HostFlags.FailedOutlierCheck, on: true);
        stats.AddShared(ClusterStats.EjectionsActive);
        stats.AddShared(ClusterStats.EjectionsTotal);
        stats.AddShared(ClusterStats.EjectionsEnforced + (int)kind);
        return true;
    }

    /// <summary>Under the cluster's gate.</summary>
    private static bool Uneject(ClusterState cluster, HostState host, long now)
    {
        if (!host.Mark(HostFlags.FailedOutlierCheck, on: false)) return false;
        host.Outliers.ForgetConsecutive();
        host.InRotationSince = now;
        cluster.Stats.AddShared(ClusterStats.EjectionsActive, -1);
        return true;
    }
}
