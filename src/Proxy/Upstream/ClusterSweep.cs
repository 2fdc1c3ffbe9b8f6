using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.HealthChecks;
using Lateen.Proxy.Upstream.Outliers;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Upstream;

/// <summary>
/// What clusters need now and then: health checks that are due, outliers to be compared, destinations nobody uses. One task on
/// the thread pool.
/// </summary>
internal sealed class ClusterSweep(ProxyContext context)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private readonly Random _random = new();
    private readonly Dictionary<ClusterState, Watch> _watches = [];

    /// <summary>What is remembered of one cluster between two looks.</summary>
    private sealed class Watch(long now)
    {
        public long OutliersDue = now, CleanupDue = now;
        public HostSet? Hosts;
        public HealthCheckSettings? Settings;
        public readonly Dictionary<HostState, HostCheck> Checks = [];
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(Tick, stop).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            if (stop.IsCancellationRequested) break;
            var clusters = context.Clusters.Current.All;
            foreach (var cluster in clusters) Look(cluster, ClusterState.Now, stop);
            if (_watches.Count > clusters.Count) Forget(clusters);
        }
        foreach (var watch in _watches.Values)
            foreach (var check in watch.Checks.Values) check.Dispose();
    }

    private void Look(ClusterState cluster, long now, CancellationToken stop)
    {
        var snapshot = cluster.Snapshot;
        if (snapshot is { Outliers: null, Check: null, Discovery: not DiscoveryType.OriginalDestination, Default.TrackRemaining: false, High.TrackRemaining: false })
        {
            // Settings that were taken away: no check goes on.
            if (_watches.Remove(cluster, out var old))
                foreach (var check in old.Checks.Values) check.Dispose();
            return;
        }
        if (!_watches.TryGetValue(cluster, out var watch))
            _watches[cluster] = watch = new Watch(now) { OutliersDue = now + (snapshot.Outliers?.IntervalMs ?? 0), CleanupDue = now + snapshot.CleanupMs };
        if (snapshot.Outliers is { } outliers && now >= watch.OutliersDue)
        {
            watch.OutliersDue = now + outliers.IntervalMs;
            OutlierDetection.Compare(cluster, outliers, now, _random);
        }
        if (snapshot.Discovery == DiscoveryType.OriginalDestination && now >= watch.CleanupDue)
        {
            watch.CleanupDue = now + Math.Max(1, snapshot.CleanupMs);
            cluster.ForgetIdleDestinations();
        }
        if (snapshot.Default.TrackRemaining || snapshot.High.TrackRemaining) cluster.ShowRemaining();
        CheckHealth(cluster, snapshot.Check, watch, now, stop);
    }

    private void CheckHealth(ClusterState cluster, HealthCheckSettings? settings, Watch watch, long now, CancellationToken stop)
    {
        if (!ReferenceEquals(watch.Settings, settings) || !ReferenceEquals(watch.Hosts, cluster.Hosts))
        {
            foreach (var (host, check) in watch.Checks.ToArray())
            {
                if (settings is not null && !host.IsRemoved && ReferenceEquals(check.Settings, settings)) continue;
                check.Dispose();
                watch.Checks.Remove(host);
            }
            (watch.Settings, watch.Hosts) = (settings, cluster.Hosts);
            if (settings is not null)
                foreach (var host in watch.Hosts.All)
                    if (host.Check?.IsOff != true && !watch.Checks.ContainsKey(host))
                        watch.Checks[host] = new HostCheck(cluster, host, settings, now, _random);
        }
        var gone = false;
        foreach (var check in watch.Checks.Values)
        {
            check.Tick(now, stop);
            gone |= check.Host.Flags.HasFlag(HostFlags.PendingRemoval | HostFlags.FailedActiveCheck);
        }
        if (gone) cluster.RemovePending();
        if (settings is not null) cluster.Stats.SetShared(ClusterStats.CheckHealthy, watch.Checks.Keys.Count(host => (host.Flags & HostFlags.FailedActiveCheck) == 0));
    }

    private void Forget(IReadOnlyCollection<ClusterState> clusters)
    {
        var alive = clusters.ToHashSet();
        foreach (var (cluster, watch) in _watches.ToArray())
        {
            if (alive.Contains(cluster)) continue;
            foreach (var check in watch.Checks.Values) check.Dispose();
            _watches.Remove(cluster);
        }
    }
}
