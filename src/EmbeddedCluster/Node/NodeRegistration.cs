using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Pods;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node;

/// <summary>Keeps the node's object and lease in the API. Owned by one loop.</summary>
internal sealed class NodeRegistration(NodeParts node)
{
    private const int LeaseSeconds = 40;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10), Retry = TimeSpan.FromMilliseconds(250), StatusPeriod = TimeSpan.FromMinutes(5);

    private readonly DateTimeOffset _started = node.Time.GetUtcNow();

    /// <summary>Registers, then beats until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var statusDue = DateTimeOffset.MinValue;
        while (true)
        {
            try
            {
                if (node.Time.GetUtcNow() >= statusDue)
                {
                    await WriteNodeAsync(cancel);
                    statusDue = node.Time.GetUtcNow() + StatusPeriod;
                }
                await WriteLeaseAsync(cancel);
                await Task.Delay(Heartbeat, node.Time, cancel);
            }
            catch (KubeException problem)
            {
                node.Log.LogDebug("node {Node} was not registered: {Problem}", node.Options.Name, problem.Message);
                statusDue = DateTimeOffset.MinValue;
                await Task.Delay(Retry, node.Time, cancel);
            }
        }
    }

    private async Task WriteNodeAsync(CancellationToken cancel)
    {
        var name = node.Options.Name;
        if (await node.Client.TryGetAsync(KubeResource.Nodes, null, name, cancel) is null)
        {
            try
            {
                await node.Client.CreateAsync(KubeResource.Nodes, null, NodeObject(), cancel);
            }
            catch (KubeException exists) when (exists.IsConflict)
            {
                // Another start was faster.
            }
        }
        await node.Client.PatchAsync(KubeResource.Nodes, null, name, new JsonObject { ["status"] = Status() }, KubePatch.Merge, cancel, "status");
    }

    private JsonObject NodeObject()
    {
        var network = node.Options.Network.NodeAddress.GetAddressBytes();
        var range = string.Create(CultureInfo.InvariantCulture, $"{network[0]}.{network[1]}.0.0/16");
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject
            {
                ["name"] = node.Options.Name,
                ["labels"] = new JsonObject
                {
                    ["kubernetes.io/hostname"] = node.Options.Name,
                    ["kubernetes.io/os"] = "linux",
                    ["kubernetes.io/arch"] = Architecture,
                    ["beta.kubernetes.io/os"] = "linux",
                    ["beta.kubernetes.io/arch"] = Architecture,
                    ["node-role.kubernetes.io/control-plane"] = "",
                },
            },
            ["spec"] = new JsonObject { ["podCIDR"] = range, ["podCIDRs"] = new JsonArray(range), ["providerID"] = $"lateen://{node.Options.Name}" },
        };
    }

    private JsonObject Status()
    {
        var now = node.Time.GetUtcNow().ToKubernetes();
        var resources = () => new JsonObject
        {
            ["cpu"] = node.Capacity.Processors.ToString("0", CultureInfo.InvariantCulture),
            ["memory"] = (node.Capacity.MemoryBytes / 1024).ToString("0", CultureInfo.InvariantCulture) + "Ki",
            ["pods"] = "1000",
        };
        return new JsonObject
        {
            ["capacity"] = resources(),
            ["allocatable"] = resources(),
            ["addresses"] = new JsonArray(
                new JsonObject { ["type"] = "InternalIP", ["address"] = node.Options.Network.NodeAddress.ToString() },
                new JsonObject { ["type"] = "Hostname", ["address"] = node.Options.Name }),
            ["daemonEndpoints"] = new JsonObject { ["kubeletEndpoint"] = new JsonObject { ["Port"] = node.Options.Port } },
            ["conditions"] = new JsonArray(
                Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", now),
                Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", now),
                Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", now),
                Condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", now)),
            ["nodeInfo"] = new JsonObject
            {
                ["machineID"] = ReadLine("/etc/machine-id"),
                ["systemUUID"] = ReadLine("/etc/machine-id"),
                ["bootID"] = ReadLine("/proc/sys/kernel/random/boot_id"),
                ["kernelVersion"] = ReadLine("/proc/sys/kernel/osrelease"),
                ["osImage"] = RuntimeInformation.OSDescription,
                ["containerRuntimeVersion"] = $"lateen://{typeof(NodeRegistration).Assembly.GetName().Version?.ToString(3)}",
                ["kubeletVersion"] = "v1.35.0",
                ["kubeProxyVersion"] = "",
                ["operatingSystem"] = "linux",
                ["architecture"] = Architecture,
            },
        };
    }

    private JsonObject Condition(string type, string status, string reason, string message, string now) => new()
    {
        ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message, ["lastHeartbeatTime"] = now, ["lastTransitionTime"] = _started.ToKubernetes(),
    };

    private async Task WriteLeaseAsync(CancellationToken cancel)
    {
        var renewed = node.Time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        try
        {
            var change = new JsonObject { ["spec"] = new JsonObject { ["renewTime"] = renewed, ["holderIdentity"] = node.Options.Name } };
            await node.Client.PatchAsync(KubeResource.Leases, "kube-node-lease", node.Options.Name, change, cancel: cancel);
        }
        catch (KubeException missing) when (missing.IsNotFound)
        {
            var lease = new JsonObject
            {
                ["apiVersion"] = KubeResource.Leases.ApiVersion,
                ["kind"] = "Lease",
                ["metadata"] = new JsonObject { ["namespace"] = "kube-node-lease", ["name"] = node.Options.Name },
                ["spec"] = new JsonObject { ["holderIdentity"] = node.Options.Name, ["leaseDurationSeconds"] = LeaseSeconds, ["renewTime"] = renewed },
            };
            await node.Client.CreateAsync(KubeResource.Leases, "kube-node-lease", lease, cancel);
        }
    }

    private static string Architecture => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private static string ReadLine(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : "";
}
