using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Looks up the names of clusters again and again, each cluster at its own pace. A failed look-up keeps the addresses that were
/// found before. Runs on the thread pool.
/// </summary>
internal sealed class NameResolution(ResourceState resources, ILogger log)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private readonly ConcurrentDictionary<ClusterState, Watch> _watches = new();

    /// <summary>One cluster's look-ups. One task at a time.</summary>
    private sealed class Watch
    {
        public ClusterSnapshot? Of;
        public long Due;
        public int Failures;
        public Task Running = Task.CompletedTask;
        public readonly Dictionary<string, IPAddress[]> LastGood = new(StringComparer.Ordinal);
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var named = resources.NamedClusters;
            foreach (var cluster in named)
            {
                var watch = _watches.GetOrAdd(cluster, static _ => new Watch());
                // Settings that are new are looked up at once.
                if (!watch.Running.IsCompleted || ReferenceEquals(watch.Of, cluster.Snapshot) && Environment.TickCount64 < watch.Due) continue;
                watch.Running = ResolveAsync(cluster, watch, cancel);
            }
            if (_watches.Count > named.Count)
                foreach (var gone in _watches.Keys.Except(named)) _watches.TryRemove(gone, out _);
            await Task.Delay(Tick, cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    private async Task ResolveAsync(ClusterState cluster, Watch watch, CancellationToken cancel)
    {
        var snapshot = cluster.Snapshot;
        var isNew = !ReferenceEquals(watch.Of, snapshot);
        watch.Of = snapshot;
        cluster.Stats.AddShared(ClusterStats.UpdateAttempt);
        var resolved = new List<(EndpointConfig, SocketAddress)>();
        var failed = false;
        foreach (var endpoint in snapshot.Endpoints)
        {
            if (endpoint.Path is { } pipe)
            {
                resolved.Add((endpoint, SocketAddress.Unix(pipe)));
                continue;
            }
            var found = await LookUpAsync(endpoint.Address, snapshot.Family, cancel).ConfigureAwait(false);
            failed |= found is null;
            if (found is not null) watch.LastGood[endpoint.Address] = found;
            else if (!watch.LastGood.TryGetValue(endpoint.Address, out found)) continue;
            foreach (var address in snapshot.Discovery == DiscoveryType.LogicalDns ? found.Take(1) : found) resolved.Add((endpoint, SocketAddress.From(address, endpoint.Port)));
        }
        cluster.Stats.AddShared(failed ? ClusterStats.UpdateFailure : ClusterStats.UpdateSuccess);
        watch.Failures = failed ? watch.Failures + 1 : 0;
        watch.Due = Environment.TickCount64 + PauseMs(snapshot, watch.Failures);
        var known = cluster.Hosts.All.Select(host => host.Address).ToHashSet();
        // The first answer warms the cluster, whatever it was; later ones count when they tell something new.
        if (isNew || known.Count == 0 || !known.SetEquals(resolved.Select(entry => entry.Item2))) resources.SetResolved(cluster, resolved);
    }

    private static long PauseMs(ClusterSnapshot snapshot, int failures)
    {
        if (failures == 0 || snapshot.DnsFailureRefreshMs is not var (least, most)) return Math.Max(1, snapshot.DnsRefreshMs) + (snapshot.DnsJitterMs > 0 ? Random.Shared.NextInt64(snapshot.DnsJitterMs) : 0);
        // Full jitter below a ceiling that doubles. Source: Envoy, JitteredExponentialBackOffStrategy.
        var ceiling = Math.Min(most, least << Math.Min(failures - 1, 20));
        return least + Random.Shared.NextInt64(Math.Max(1, ceiling - least + 1));
    }

    /// <summary>The addresses of a name, those of the wanted family; null when nothing was found.</summary>
    private async Task<IPAddress[]?> LookUpAsync(string name, NameFamily family, CancellationToken cancel)
    {
        try
        {
            var all = await Dns.GetHostAddressesAsync(name, cancel).ConfigureAwait(false);
            IPAddress[] v4 = Array.FindAll(all, address => address.AddressFamily == AddressFamily.InterNetwork), v6 = Array.FindAll(all, address => address.AddressFamily == AddressFamily.InterNetworkV6);
            var wanted = family switch
            {
                NameFamily.V4Only => v4,
                NameFamily.V6Only => v6,
                NameFamily.V4Preferred => v4.Length > 0 ? v4 : v6,
                NameFamily.All => [.. v6, .. v4],
                _ => v6.Length > 0 ? v6 : v4,
            };
            return wanted.Length > 0 ? [.. wanted.Distinct()] : null;
        }
        catch (Exception e) when (e is SocketException or ArgumentException or OperationCanceledException)
        {
            log.LogDebug("looking up {Name} failed: {Reason}", name, e.Message);
            return null;
        }
    }
}
