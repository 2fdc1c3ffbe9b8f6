using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>
/// Puts hosts aside that fail several times in a row, and lets them come back after a while that grows with each time.
/// Counting happens on workers, without locks; coming back on the sweep of the configuration thread. Source: Envoy's
/// "Outlier detection", consecutive 5xx and gateway failures.
/// </summary>
internal static class OutlierDetection
{
    public static void OnResponse(ClusterState cluster, HostState host, int status, Worker worker)
    {
        if (cluster.Snapshot.Outliers is null) return;
        if (status < 500)
        {
            Volatile.Write(ref host.Outliers.Consecutive5xx, 0);
            Volatile.Write(ref host.Outliers.ConsecutiveGateway, 0);
        }
        else OnFailure(cluster, host, status, worker);
    }

    public static void OnFailure(ClusterState cluster, HostState host, int status, Worker worker)
    {
        if (cluster.Snapshot.Outliers is not { } settings || status == 0) return;
        if (Interlocked.Increment(ref host.Outliers.Consecutive5xx) is var failures && settings.Consecutive5xx > 0 && failures >= settings.Consecutive5xx
            && worker.Random.Next(100) < settings.EnforceConsecutive5xx)
            Eject(cluster, host, settings, worker, ClusterStats.EjectionsConsecutive5xx);
        if (status is < 502 or > 504)
        {
            Volatile.Write(ref host.Outliers.ConsecutiveGateway, 0);
            return;
        }
        if (Interlocked.Increment(ref host.Outliers.ConsecutiveGateway) is var gateway && settings.ConsecutiveGateway > 0 && gateway >= settings.ConsecutiveGateway
            && worker.Random.Next(100) < settings.EnforceConsecutiveGateway)
            Eject(cluster, host, settings, worker, ClusterStats.EjectionsConsecutiveGateway);
    }

    /// <summary>Lets those come back whose time is over. Milliseconds of the same clock as the workers'.</summary>
    public static void Sweep(ClusterState cluster, long now)
    {
        if (cluster.Snapshot.Outliers is not { } settings) return;
        var changed = false;
        foreach (var host in cluster.Hosts.All)
        {
            if (!host.IsEjected) continue;
            var duration = Math.Min(settings.BaseEjectionMs * host.Outliers.Ejections, settings.MaxEjectionMs);
            if (now - host.Outliers.EjectedAt < duration) continue;
            host.Mark(HostFlags.FailedOutlierCheck, on: false);
            host.InRotationSince = now;
            (host.Outliers.Consecutive5xx, host.Outliers.ConsecutiveGateway) = (0, 0);
            cluster.Stats.AddShared(ClusterStats.EjectionsActive, -1);
            changed = true;
        }
        if (changed) cluster.RefreshHealth();
    }

    private static void Eject(ClusterState cluster, HostState host, OutlierSettings settings, Worker worker, int counter)
    {
        if (host.IsEjected) return;
        var hosts = cluster.Hosts.All;
        var ejected = hosts.Count(other => other.IsEjected);
        // parity: at least one host may be ejected of a cluster of many, but never more than the percentage.
        if ((ejected + 1) * 100 > settings.MaxEjectionPercent * hosts.Length && !(ejected == 0 && hosts.Length > 1))
        {
            cluster.Stats.Add(worker, ClusterStats.EjectionsOverflow);
            return;
        }
        host.Outliers.EjectedAt = worker.Now;
        host.Outliers.Ejections++;
        host.Mark(HostFlags.FailedOutlierCheck, on: true);
        cluster.Stats.AddShared(ClusterStats.EjectionsActive);
        cluster.Stats.Add(worker, ClusterStats.EjectionsTotal);
        cluster.Stats.Add(worker, counter);
        cluster.RefreshHealth();
    }
}
