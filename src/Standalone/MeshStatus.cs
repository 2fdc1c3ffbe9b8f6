using System.Text.Json.Nodes;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Models;
using Lateen.Standalone.Layout;
using Lateen.Standalone.Supervision;

namespace Lateen.Standalone;

/// <summary>What runs of a mesh, in the form of the command contract.</summary>
internal static class MeshStatus
{
    /// <summary>Null when nothing runs.</summary>
    public static async Task<JsonObject?> ReadAsync(MeshLayout layout, CancellationToken cancel)
    {
        var running = Teardown.ReadProcesses(layout).Where(process => process.Identity?.IsAlive == true).ToList();
        if (running.Count == 0) return null;
        return new JsonObject
        {
            ["ready"] = await IsReadyAsync(layout, cancel),
            ["capture"] = layout.Capture,
            ["gateway"] = new JsonObject { ["http"] = $"http://127.0.0.1:{layout.HttpPort}", ["https"] = $"https://127.0.0.1:{layout.HttpsPort}" },
            ["dashboard"] = null,
            ["apiServer"] = $"https://127.0.0.1:{layout.ApiServerPort}",
            ["kubeconfig"] = layout.Kubeconfig,
            ["processes"] = new JsonArray([.. running.Select(process => (JsonNode)new JsonObject
            {
                ["name"] = process.Name,
                ["pid"] = process.Identity!.Pid,
                ["rssKiB"] = process.Identity.ReadResidentKiB(),
            })]),
        };
    }

    /// <summary>Every pod is ready, the gateway's among them.</summary>
    public static async Task<bool> IsReadyAsync(MeshLayout layout, CancellationToken cancel) => (await ReadPodsAsync(layout, cancel)) is { Total: > 0 } pods && pods.Ready == pods.Total;

    /// <summary>How many pods there are and are ready; null while the API server does not answer.</summary>
    public static async Task<(int Ready, int Total)?> ReadPodsAsync(MeshLayout layout, CancellationToken cancel)
    {
        if (!File.Exists(layout.Kubeconfig)) return null;
        try
        {
            using var client = new KubeClient(KubeClientOptions.FromKubeconfig(layout.Kubeconfig)) { Timeout = TimeSpan.FromSeconds(5) };
            return await ReadPodsAsync(client, cancel);
        }
        catch (KubeException)
        {
            return null;
        }
    }

    /// <summary>How many pods there are and are ready; null while the API server does not answer.</summary>
    public static async Task<(int Ready, int Total)?> ReadPodsAsync(KubeClient client, CancellationToken cancel)
    {
        try
        {
            var pods = (await client.ListAsync(KubeResource.Pods, cancel: cancel)).Items.Select(item => new Pod(item)).Where(pod => !pod.IsDeleting && pod.Phase is not "Succeeded").ToList();
            return (pods.Count(pod => pod.IsReady), pods.Count);
        }
        catch (KubeException)
        {
            return null;
        }
    }
}
