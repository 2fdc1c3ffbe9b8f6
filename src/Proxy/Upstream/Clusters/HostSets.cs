using Lateen.Proxy.Compile;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>Turns endpoints into hosts; a host that was there before stays the same object, with its connections and counts.</summary>
internal static class HostSets
{
    /// <summary>Addresses of endpoints that need no look-up.</summary>
    /// <exception cref="ConfigRefusedException">One is not an IP address.</exception>
    public static IReadOnlyList<(EndpointConfig Endpoint, SocketAddress Address)> Parse(IReadOnlyList<EndpointConfig> endpoints, string path) =>
    [
        .. endpoints.Select(endpoint => (endpoint, endpoint.Path is { } pipe ? SocketAddress.Unix(pipe)
            : SocketAddress.TryParse(endpoint.Address, endpoint.Port, out var address) ? address
            : throw new ConfigRefusedException(path, $"the endpoint address '{endpoint.Address}' is not an IP address"))),
    ];

    /// <summary>Gives a cluster its hosts. The configuration thread only.</summary>
    public static void Update(ClusterState cluster, IReadOnlyList<(EndpointConfig Endpoint, SocketAddress Address)> endpoints)
    {
        var before = cluster.Hosts.All.ToDictionary(host => host.Address);
        var hosts = new List<HostState>(endpoints.Count);
        var seen = new HashSet<SocketAddress>(endpoints.Count);
        var now = ClusterState.Now;
        var checks = cluster.Snapshot.Check is not null;
        foreach (var (endpoint, address) in endpoints)
        {
            if (!seen.Add(address)) continue;
            if (!before.TryGetValue(address, out var host))
            {
                host = new HostState(address, endpoint.Hostname.Length > 0 ? endpoint.Hostname : HostnameOf(endpoint), cluster.WorkerCount) { InRotationSince = now };
                // parity: a host that is checked is ill until its first check has passed.
                if (checks && endpoint.Check?.IsOff != true) host.Mark(HostFlags.FailedActiveCheck | (cluster.Snapshot.IgnoreNewHosts ? HostFlags.PendingFirstCheck : HostFlags.None), on: true);
            }
            if (!checks) host.Mark(HostFlags.FailedActiveCheck | HostFlags.PendingFirstCheck | HostFlags.CheckTimedOut | HostFlags.DegradedByCheck, on: false);
            host.IsRemoved = false;
            host.Mark(HostFlags.PendingRemoval, on: false);
            host.Take(endpoint.Health);
            (host.Weight, host.LocalityWeight) = (endpoint.Weight, endpoint.LocalityWeight);
            (host.Region, host.Zone, host.SubZone, host.Priority, host.Labels, host.Check) =
                (endpoint.Region, endpoint.Zone, endpoint.SubZone, endpoint.Priority, endpoint.Labels, endpoint.Check);
            host.IstioWorkload = endpoint.IstioWorkload;
            host.TransportLabels = endpoint.TransportLabels;
            hosts.Add(host);
        }
        if (checks && !cluster.Snapshot.IgnoreHealthOnRemoval)
            foreach (var host in before.Values)
            {
                // parity: a host that passes its checks stays until it fails them, whatever discovery says.
                if (seen.Contains(host.Address) || (host.Flags & HostFlags.FailedActiveCheck) != 0) continue;
                host.Mark(HostFlags.PendingRemoval, on: true);
                hosts.Add(host);
            }
        cluster.Publish(hosts, endpoints.Count > 0 ? endpoints[0].Endpoint.Policy : AssignmentPolicy.Usual);
    }

    private static string HostnameOf(EndpointConfig endpoint) => System.Net.IPAddress.TryParse(endpoint.Address, out _) ? "" : endpoint.Address;
}
