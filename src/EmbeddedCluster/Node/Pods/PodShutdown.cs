using System.Text.Json.Nodes;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Stops a pod's containers and removes its traces. Owned by the pod's worker.</summary>
internal sealed class PodShutdown(NodeParts node, ContainerRunner runner, string folder)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>Stops the main containers at once and together, then the sidecars, the last started first.</summary>
    public async Task RunAsync(PodDefinition pod, IReadOnlyList<ContainerState> containers, Action writeStatus, CancellationToken gone, CancellationToken cancel)
    {
        var deadline = node.Time.GetUtcNow() + pod.Grace;
        var mains = containers.Where(container => container.Definition.Role != ContainerRole.Sidecar && container.IsRunning).ToArray();
        await Task.WhenAll(mains.Select(container => StopAsync(container, deadline, gone))).WaitAsync(cancel);
        Finish(containers, writeStatus);
        foreach (var sidecar in containers.Where(container => container.IsRunning).Reverse())
        {
            await StopAsync(sidecar, deadline, gone).WaitAsync(cancel);
            Finish(containers, writeStatus);
        }
    }

    /// <summary>Tells the API server that the pod may go, and removes its folder.</summary>
    public async Task ForgetAsync(PodDefinition pod, CancellationToken gone, CancellationToken cancel)
    {
        var options = new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "DeleteOptions", ["gracePeriodSeconds"] = 0, ["preconditions"] = new JsonObject { ["uid"] = pod.Uid },
        };
        while (!gone.IsCancellationRequested)
        {
            try
            {
                await node.Client.RequestAsync(HttpMethod.Delete, KubeResource.Pods.PathOf(pod.Namespace, pod.Name), options.DeepClone(), cancel);
                break;
            }
            catch (KubeException problem) when (problem.IsNotFound || problem.IsConflict)
            {
                break; // gone, or another pod has the name
            }
            catch (KubeException problem)
            {
                node.Log.LogDebug("pod {Namespace}/{Pod} was not removed: {Problem}", pod.Namespace, pod.Name, problem.Message);
                await Task.Delay(Retry, node.Time, cancel);
            }
        }
        node.Tokens.Forget(pod.Uid);
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was ever started.
        }
    }

    private async Task StopAsync(ContainerState container, DateTimeOffset deadline, CancellationToken gone)
    {
        var left = deadline - node.Time.GetUtcNow();
        // Another stop, for a failed probe, may be under way: it has its own grace period, but not when the pod is gone.
        if (container.Stopping is { } stopping)
        {
            var done = await Task.WhenAny(stopping, Task.Delay(Timeout.InfiniteTimeSpan, gone).ContinueWith(_ => { }, TaskScheduler.Default));
            if (done == stopping) return;
        }
        await runner.StopAsync(container, left > TimeSpan.Zero ? left : TimeSpan.Zero, $"Stopping container {container.Definition.Name}", gone);
    }

    private void Finish(IReadOnlyList<ContainerState> containers, Action writeStatus)
    {
        foreach (var container in containers) runner.TryFinish(container);
        writeStatus();
    }
}
