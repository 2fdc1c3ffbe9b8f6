using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;
using Lateen.Standalone.Layout;
using Lateen.Standalone.Setup;
using Microsoft.Extensions.Logging;

namespace Lateen.Standalone.Supervision;

/// <summary>
/// The root of a mesh's process tree: makes the node's network, starts the mesh's processes, keeps them running, and takes
/// everything away when it is asked to stop.
/// </summary>
internal sealed class Supervisor(MeshLayout layout, IReadOnlyList<string> imageFiles, ILogger log)
{
    private static readonly TimeSpan KubeconfigPause = TimeSpan.FromMilliseconds(20);
    private static readonly string[] NeedsCluster = ["node", "pilot"];
    private readonly List<SupervisedProcess> _processes = [];
    private readonly Lock _gate = new();

    public async Task RunAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(layout.Logs);
        if (layout.HasNamespaces) await new NodeNetwork(new NodeNetworkOptions { Prefix = layout.NamespacePrefix }).EnsureNodeAsync(cancel);
        WebhookCertificates.Ensure(layout.Certificates, layout.NodeAddress);
        await File.WriteAllTextAsync(Path.Combine(layout.StateFolder, "images.yaml"), BuiltInImages.ToYaml(), cancel);
        await File.WriteAllTextAsync(Path.Combine(layout.StateFolder, "mesh.yaml"), new MeshObjects(layout).MeshConfig, cancel);
        AddProcesses();
        await Task.WhenAll(_processes.Select(process => RunAsync(process, cancel)));
    }

    /// <summary>
    /// The API server writes the kubeconfig when it serves. What cannot do without would only end, be started again after longer and
    /// longer pauses, and take the processor from the API server meanwhile.
    /// </summary>
    private async Task RunAsync(SupervisedProcess process, CancellationToken cancel)
    {
        while (NeedsCluster.Contains(process.Name) && !File.Exists(layout.ClusterKubeconfig) && !cancel.IsCancellationRequested)
            await Task.Delay(KubeconfigPause, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
        await process.RunAsync(cancel);
    }

    private void AddProcesses()
    {
        var meshd = Programs.Find("meshd");
        string[] InNode(params string[] command) => layout.HasNamespaces ? ["nsenter", $"--net=/run/netns/{layout.NamespacePrefix}", "--", meshd, .. command] : [meshd, .. command];
        string[] Without(params string[] words) => layout.HasNamespaces ? [] : words;
        Add("apiserver", InNode(
            "cluster-apiserver", "--data-dir", Path.Combine(layout.StateFolder, "apiserver"), "--bind-address", layout.NodeAddress, "--advertise-address", layout.NodeAddress,
            "--service-cidr", MeshLayout.ServiceRange, "--kubeconfig-out", layout.ClusterKubeconfig, "--tls-san", "127.0.0.1", "--tls-san", "localhost",
            "--create-namespace", "istio-system"));
        Add("relay", [meshd, "mesh-relay", "--state", layout.StateFolder]);
        Add("node", InNode(["cluster-node", "--state-dir", layout.Node, "--kubeconfig", layout.ClusterKubeconfig, "--netns-prefix", layout.NamespacePrefix, "--node-ip", layout.NodeAddress,
            "--service-cluster-ip-range", MeshLayout.ServiceRange, "--cluster-dns", MeshLayout.DnsAddress,
            // Only the machine's own root can ask its name servers from outside.
            .. LinuxNamespaces.HasAllUsers && layout.HasNamespaces ? (string[])["--upstream-netns", "/proc/1/ns/net"] : [],
            .. Without("--share-network"),
            .. imageFiles.Append(Path.Combine(layout.StateFolder, "images.yaml")).SelectMany(file => new[] { "--images", file })]));
        Add("injector", InNode(
            "sidecar-injector", "--port", $"{MeshLayout.InjectorPort}", "--tlsCertFile", Path.Combine(layout.Certificates, "tls.crt"), "--tlsKeyFile", Path.Combine(layout.Certificates, "tls.key"),
            "--meshConfig", Path.Combine(layout.StateFolder, "mesh.yaml"), "--bind-address", layout.BindAddress, "--applicationProxyPort", $"{(layout.HasNamespaces ? 0 : MeshLayout.ApplicationProxyPort)}"));
        Add("galley", InNode(
            "galley", "server", "--port", $"{MeshLayout.GalleyPort}", "--tlsCertFile", Path.Combine(layout.Certificates, "tls.crt"), "--tlsKeyFile", Path.Combine(layout.Certificates, "tls.key"), "--bind-address", layout.BindAddress));
        Add("pilot", InNode(
            [
                "pilot-discovery", "discovery", "--registries=Kubernetes", "--kubeconfig", layout.ClusterKubeconfig, "--meshConfig", Path.Combine(layout.StateFolder, "mesh.yaml"),
                .. Without("--grpcAddr", $"{layout.NodeAddress}:15010", "--secureGrpcAddr", $"{layout.NodeAddress}:15012", "--httpAddr", $"{layout.NodeAddress}:8080", "--monitoringAddr", $"{layout.NodeAddress}:15014"),
            ]));
    }

    private void Add(string name, IReadOnlyList<string> command) =>
        _processes.Add(new SupervisedProcess(name, command, Path.Combine(layout.Logs, $"{name}.log"), log) { OnChanged = WriteProcesses });

    private void WriteProcesses()
    {
        lock (_gate)
        {
            var list = new JsonArray();
            var self = ProcessIdentity.TryRead(Environment.ProcessId)!;
            list.Add((JsonNode)new JsonObject { ["name"] = "supervisor", ["pid"] = self.Pid, ["startTicks"] = self.StartTicks });
            foreach (var process in _processes)
                if (process.Current is { } running)
                    list.Add((JsonNode)new JsonObject { ["name"] = process.Name, ["pid"] = running.Pid, ["startTicks"] = running.StartTicks });
            var file = layout.ProcessesFile + ".new";
            File.WriteAllText(file, list.ToJsonString());
            File.Move(file, layout.ProcessesFile, overwrite: true);
        }
    }
}
