using System.CommandLine;
using System.Net;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;

namespace Lateen.EmbeddedCluster.Node;

/// <summary>The command <c>cluster-node</c>.</summary>
public static class NodeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var name = new Option<string>("--node-name") { Description = "Name of the node in the cluster", DefaultValueFactory = _ => "lateen" };
        var state = new Option<string>("--state-dir") { Description = "Folder for pods, logs and records", Required = true };
        var kubeconfig = new Option<string>("--kubeconfig") { Description = "Finds the API server and proves who asks", Required = true };
        var prefix = new Option<string>("--netns-prefix") { Description = "Names of network namespaces start with this; it is the node's own name too", Required = true };
        var address = new Option<string>("--node-ip") { Description = "Address of the node on its bridge", DefaultValueFactory = _ => "10.244.0.1" };
        var services = new Option<string>("--service-cluster-ip-range") { Description = "Range of service addresses", DefaultValueFactory = _ => "10.96.0.0/16" };
        var dns = new Option<string>("--cluster-dns") { Description = "Address of the name server", DefaultValueFactory = _ => "10.96.0.10" };
        var domain = new Option<string>("--cluster-domain") { Description = "Domain of the cluster's names", DefaultValueFactory = _ => "cluster.local" };
        var images = new Option<string[]>("--images") { Description = "Image map; may be given more than once, the first that knows an image wins", DefaultValueFactory = _ => [] };
        var upstream = new Option<string?>("--upstream-netns") { Description = "Network namespace (a path) from which the machine's resolvers are reached" };
        var shared = new Option<bool>("--share-network") { Description = "Make no namespaces: pods are processes at loopback addresses, in the network of --node-ip" };
        var logging = new LogOptions();
        var command = new Command("cluster-node", "Run the embedded cluster's node: pods as processes, names, service addresses")
        {
            name, state, kubeconfig, prefix, address, services, dns, domain, images, upstream, shared,
        };
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            logging.Bind(parsed);
            using var logs = LogScopes.CreateFactory(logging);
            using var signals = new ProcessSignals();
            var options = new NodeOptions
            {
                Name = parsed.GetValue(name)!,
                StateFolder = Path.GetFullPath(parsed.GetValue(state)!),
                Kubeconfig = parsed.GetValue(kubeconfig)!,
                Network = new NodeNetworkOptions
                {
                    Prefix = parsed.GetValue(prefix)!,
                    NodeAddress = IPAddress.Parse(parsed.GetValue(address)!),
                    ServiceRange = parsed.GetValue(services)!,
                    DnsAddress = IPAddress.Parse(parsed.GetValue(dns)!),
                    IsShared = parsed.GetValue(shared),
                },
                ClusterDomain = parsed.GetValue(domain)!,
                ImageFiles = parsed.GetValue(images)!,
                UpstreamNetworkNamespacePath = parsed.GetValue(upstream),
            };
            await new NodeServer(options, logs).RunAsync(signals.Stopping);
            return 0;
        });
        return command;
    }
}
