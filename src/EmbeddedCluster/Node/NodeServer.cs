using System.Net;
using Lateen.EmbeddedCluster.Dns;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Images;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.EmbeddedCluster.Node.Probes;
using Lateen.EmbeddedCluster.Node.Serving;
using Lateen.EmbeddedCluster.Node.Volumes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.EmbeddedCluster.ServiceProxy;
using Lateen.Foundation.Snapshots;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node;

/// <summary>The node of the embedded cluster: runs pods as processes, answers names, and makes service addresses work. Any thread.</summary>
/// <remarks>Runs inside the node's network namespace. It may be killed: pods, rules and records stay, and the next one takes them over.</remarks>
public sealed class NodeServer(NodeOptions options, ILoggerFactory logs)
{
    /// <summary>Holds the prefix of the mesh in the environment of every process of a pod that has no namespaces.</summary>
    public const string MeshVariable = "LATEEN_MESH";

    private const int DnsPort = 53;

    /// <summary>Works until cancelled; the pods stay.</summary>
    /// <exception cref="FormatException">The kubeconfig or an image map cannot be read.</exception>
    /// <exception cref="IOException">An address of the node is missing or taken.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(options.StateFolder);
        ImageMap.Load(options.ImageFiles); // a mistake is told at once and not by the first pod
        var log = logs.CreateLogger("node");
        using var client = new KubeClient(KubeClientOptions.FromKubeconfig(options.Kubeconfig) with { UserAgent = "cluster-node" });
        await using var objects = new ClusterObjects(client, log);
        using var actions = new ContainerActions();
        using var exits = new ProcessExits();
        var node = new NodeParts(
            options, new NodeNetwork(options.Network), new AddressPool(options.Network.NodeAddress, ReadAddresses()), client, objects, new TokenSource(client, TimeProvider.System),
            new ImageCatalog(options.ImageFiles), actions, exits, new LogKeeper(), new EventRecorder(client, options.Name, TimeProvider.System, log), NodeCapacity.Read(), TimeProvider.System, log);

        var zone = new Published<DnsZoneSnapshot>(DnsZoneSnapshot.Unknown);
        // Without namespaces there is nowhere to change what the machine's own programs see: names and service addresses are the sidecars' matter.
        var isShared = options.Network.IsShared;
        await using var dns = isShared ? null : new DnsServer(
            new IPEndPoint(options.Network.DnsAddress, DnsPort), zone, new DnsUpstream(DnsUpstream.ReadServers("/etc/resolv.conf"), options.UpstreamNetworkNamespacePath));
        using var services = isShared ? null : new ServiceLoop(objects, options.Network.ServiceRange, options.ClusterDomain, zone, logs.CreateLogger("serviceproxy"));
        var workers = new PodWorkers(node);
        await using var kubelet = await KubeletServer.StartAsync(options, workers, logs);

        objects.Start();
        log.LogInformation("node {Node} is up: pods in {Folder}", options.Name, options.StateFolder);
        await Task.WhenAll(
            Quietly(node.Logs.RunAsync(cancel)),
            Quietly(node.Events.RunAsync(cancel)),
            Quietly(new NodeRegistration(node).RunAsync(cancel)),
            Quietly(services?.RunAsync(cancel) ?? Task.CompletedTask),
            workers.RunAsync(cancel));
    }

    private static async Task Quietly(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private IEnumerable<PodAddress> ReadAddresses()
    {
        var folder = $"{options.StateFolder}/pods";
        if (!Directory.Exists(folder)) return [];
        return Directory.EnumerateDirectories(folder).Select(pod => NodeJson.TryRead($"{pod}/address.json", NodeJson.Default.PodAddress)).OfType<PodAddress>();
    }
}
