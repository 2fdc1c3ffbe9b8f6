using System.Net;
using System.Net.Sockets;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Looks up the names of clusters again and again. A failed look-up keeps the hosts that were found before. Runs on the
/// thread pool.
/// </summary>
internal sealed class NameResolution(ResourceState resources, ILogger log)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private readonly Dictionary<string, long> _due = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            foreach (var cluster in resources.NamedClusters)
            {
                if (_due.TryGetValue(cluster.Name, out var due) && Environment.TickCount64 < due) continue;
                var found = await ResolveAsync(cluster, cancel).ConfigureAwait(false);
                _due[cluster.Name] = Environment.TickCount64 + (found ? Math.Max(1000, cluster.Snapshot.DnsRefreshMs) : 1000);
            }
            await Task.Delay(Tick, cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    private async Task<bool> ResolveAsync(ClusterState cluster, CancellationToken cancel)
    {
        cluster.Stats.AddShared(ClusterStats.UpdateAttempt);
        var resolved = new List<(EndpointConfig, SocketAddress)>();
        try
        {
            foreach (var endpoint in cluster.Snapshot.Endpoints)
            {
                if (endpoint.Path is { } pipe)
                {
                    resolved.Add((endpoint, SocketAddress.Unix(pipe)));
                    continue;
                }
                var addresses = await Dns.GetHostAddressesAsync(endpoint.Address, cancel).ConfigureAwait(false);
                var wanted = cluster.Snapshot.Discovery == DiscoveryType.LogicalDns ? addresses.Take(1) : addresses;
                foreach (var address in wanted.OrderBy(address => address.AddressFamily == AddressFamily.InterNetworkV6)) resolved.Add((endpoint, SocketAddress.From(address, endpoint.Port)));
            }
        }
        catch (Exception e) when (e is SocketException or ArgumentException or OperationCanceledException)
        {
            cluster.Stats.AddShared(ClusterStats.UpdateFailure);
            log.LogDebug("looking up the hosts of {Cluster} failed: {Reason}", cluster.Name, e.Message);
            return false;
        }
        cluster.Stats.AddShared(ClusterStats.UpdateSuccess);
        var known = cluster.Hosts.All.Select(host => host.Address).ToHashSet();
        if (!known.SetEquals(resolved.Select(entry => entry.Item2)) || known.Count == 0) resources.SetResolved(cluster, resolved);
        return resolved.Count > 0;
    }
}
