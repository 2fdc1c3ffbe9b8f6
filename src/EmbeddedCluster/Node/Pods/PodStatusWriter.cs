using System.Text.Json.Nodes;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Brings a pod's status to the API server, however long that is away. The worker sets, a loop of its own sends.</summary>
internal sealed class PodStatusWriter(KubeClient client, ILogger log) : IDisposable
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);

    private readonly WakeSignal _changed = new();
    private volatile Pending? _pending;
    private string _sent = "";

    /// <summary>Sets what the API server is to know.</summary>
    public void Set(PodDefinition pod, JsonObject status)
    {
        var text = status.ToJsonString();
        if (_pending?.Text == text) return;
        _pending = new Pending(pod.Namespace, pod.Name, pod.Uid, text);
        _changed.Set();
    }

    /// <summary>Sends until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var delay = TimeSpan.Zero;
        while (!cancel.IsCancellationRequested)
        {
            await _changed.WaitAsync(delay > TimeSpan.Zero ? delay : Timeout.InfiniteTimeSpan, cancel);
            delay = await TrySendAsync(cancel) ? TimeSpan.Zero : delay == TimeSpan.Zero ? TimeSpan.FromMilliseconds(100) : delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _changed.Dispose();

    private async Task<bool> TrySendAsync(CancellationToken cancel)
    {
        if (_pending is not { } pending || pending.Text == _sent) return true;
        try
        {
            // The uid makes the server refuse when another pod has the name by now.
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pending.Uid }, ["status"] = JsonNode.Parse(pending.Text) };
            await client.PatchAsync(KubeResource.Pods, pending.Namespace, pending.Name, patch, KubePatch.Merge, cancel, "status");
            _sent = pending.Text;
            return true;
        }
        catch (KubeException problem) when (problem.IsNotFound || problem.IsConflict)
        {
            _sent = pending.Text;
            return true;
        }
        catch (KubeException problem)
        {
            log.LogDebug("the status of pod {Namespace}/{Pod} was not written: {Problem}", pending.Namespace, pending.Name, problem.Message);
            return false;
        }
    }

    private sealed record Pending(string Namespace, string Name, string Uid, string Text);
}
