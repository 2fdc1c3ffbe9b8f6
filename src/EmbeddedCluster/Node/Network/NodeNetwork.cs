using System.Globalization;
using System.Net;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Network;

/// <summary>The addresses of a mesh's node. Immutable; every mesh has a network of its own, so all may use the same.</summary>
public sealed record NodeNetworkOptions
{
    /// <summary>Names of network namespaces start with this; unique to the mesh.</summary>
    public required string Prefix { get; init; }

    /// <summary>The bridge in the node's namespace.</summary>
    public string Bridge { get; init; } = "lateen0";

    /// <summary>The node's address, on the bridge; the first two bytes are those of every pod.</summary>
    public IPAddress NodeAddress { get; init; } = IPAddress.Parse("10.244.0.1");

    /// <summary>Range of service addresses.</summary>
    public string ServiceRange { get; init; } = "10.96.0.0/16";

    /// <summary>Address of the name server, out of that range.</summary>
    public IPAddress DnsAddress { get; init; } = IPAddress.Parse("10.96.0.10");

    /// <summary>
    /// Whether there are no network namespaces: the node and its pods are at loopback addresses of this machine, each pod at two, the
    /// sidecar's, which is the pod's, and the application's.
    /// </summary>
    public bool IsShared { get; init; }

    /// <summary>The node's namespace.</summary>
    public NetworkNamespace Node => new(Prefix);
}

/// <summary>Makes the node's network: a namespace with a bridge, and one namespace a pod with a link to the bridge. Any thread.</summary>
/// <remarks>
/// A pod knows no neighbour but the node: its address has no network around it. So every packet is routed by the node, where the
/// rules for service addresses see both directions, whether the kernel lets such rules see bridged packets or not.
/// </remarks>
public sealed class NodeNetwork(NodeNetworkOptions options)
{
    private static readonly (string Path, string Value)[] NodeSettings =
    [
        ("net/ipv6/conf/all/disable_ipv6", "1"),
        ("net/ipv4/ip_forward", "1"),
        // Packets between pods leave by the bridge that they came from: nothing to tell the senders about.
        ("net/ipv4/conf/all/send_redirects", "0"),
        ("net/ipv4/conf/default/send_redirects", "0"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/bridge/bridge-nf-call-iptables", "0"),
    ];

    private static readonly (string Path, string Value)[] PodSettings =
    [
        // As container runtimes set them: any user may serve port 80, anyone may ping; IPv6 on loopback alone.
        ("net/ipv4/ip_unprivileged_port_start", "0"),
        ("net/ipv4/ping_group_range", string.Create(CultureInfo.InvariantCulture, $"0 {Math.Min(int.MaxValue, LinuxNamespaces.GroupCount - 1)}")),
        ("net/ipv6/conf/default/disable_ipv6", "1"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
    ];

    /// <summary>Makes the node's namespace and bridge, or finds them.</summary>
    /// <exception cref="IOException">Privilege or a kernel feature is missing; the message says what failed.</exception>
    public async Task EnsureNodeAsync(CancellationToken cancel = default)
    {
        if (options.Node.Exists) return;
        await options.Node.CreateAsync(cancel);
        await options.Node.WriteSettingsAsync(NodeSettings, cancel);
        await RunBatchAsync(options.Node.Name, $"""
            link set lo up
            address add {options.DnsAddress}/32 dev lo
            link add {options.Bridge} address {LinkAddress(options.NodeAddress)} type bridge
            address add {options.NodeAddress}/16 dev {options.Bridge}
            link set {options.Bridge} up
            route add {options.ServiceRange} dev {options.Bridge} src {options.NodeAddress}
            """, cancel);
    }

    /// <summary>The namespace of a pod.</summary>
    internal NetworkNamespace SpaceOf(PodAddress pod) => new($"{options.Prefix}-{pod.Index.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Path of a pod's namespace; empty where there are none.</summary>
    internal string PathOf(PodAddress pod) => options.IsShared ? "" : SpaceOf(pod).Path;

    /// <summary>Whether a pod's place is still there, as it is not after a restart of the machine.</summary>
    internal bool Has(PodAddress pod) => options.IsShared || SpaceOf(pod).Exists;

    /// <summary>Where a pod's application listens: its address's twin where it shares the machine's network with its sidecar.</summary>
    internal string ApplicationAddressOf(string pod)
    {
        if (!options.IsShared) return pod;
        var parts = IPAddress.Parse(pod).GetAddressBytes();
        parts[1]++;
        return new IPAddress(parts).ToString();
    }

    /// <summary>Makes a pod's namespace and link.</summary>
    /// <exception cref="IOException">A step failed.</exception>
    internal async Task CreatePodAsync(PodAddress pod, CancellationToken cancel)
    {
        if (options.IsShared) return;
        var space = SpaceOf(pod);
        await DeletePodAsync(pod, cancel);
        await space.CreateAsync(cancel);
        await space.WriteSettingsAsync(PodSettings, cancel);
        await RunBatchAsync(options.Node.Name, $"""
            link add {LinkOf(pod)} type veth peer name eth0 address {LinkAddress(IPAddress.Parse(pod.Address))} netns {space.Name}
            link set {LinkOf(pod)} master {options.Bridge} up
            """, cancel);
        await RunBatchAsync(space.Name, $"""
            link set lo up
            address add {pod.Address}/32 dev eth0
            link set eth0 up
            route add {options.NodeAddress} dev eth0
            route add default via {options.NodeAddress} dev eth0
            """, cancel);
    }

    /// <summary>Takes a pod's namespace and link away; nothing happens when they are gone.</summary>
    internal async Task DeletePodAsync(PodAddress pod, CancellationToken cancel)
    {
        if (options.IsShared) return;
        var space = SpaceOf(pod);
        if (!space.Exists) return;
        // The link first: with a process left in it, the namespace would keep its end and with it the address.
        await LocalCommand.TryRunAsync("ip", ["-n", options.Node.Name, "link", "delete", LinkOf(pod)], cancel: cancel);
        await space.DeleteAsync(cancel);
    }

    private static string LinkOf(PodAddress pod) => "pod" + pod.Index.ToString(CultureInfo.InvariantCulture);

    // Derived from the address, so that a neighbour table never has a stale entry for an address used again.
    private static string LinkAddress(IPAddress address) => "0a:58:" + string.Join(':', address.GetAddressBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));

    private static Task RunBatchAsync(string space, string lines, CancellationToken cancel) =>
        LocalCommand.RunAsync("ip", ["-n", space, "-batch", "-"], lines + "\n", cancel);
}
