using System.Text.Json.Nodes;
using System.Threading.Channels;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Writes events about pods (Event of core/v1); the same event again raises its count. Any thread may record.</summary>
internal sealed class EventRecorder(KubeClient client, string nodeName, TimeProvider time, ILogger log)
{
    private const int MaxRemembered = 4096;

    private readonly Channel<PodEvent> _pending = Channel.CreateBounded<PodEvent>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Dictionary<PodEvent, (string Name, int Count)> _known = new();

    /// <summary>Notes what happened to a pod, or to one of its containers.</summary>
    public void Record(PodDefinition pod, string type, string reason, string message, ContainerDefinition? container = null)
    {
        var part = container is null ? "" : $"spec.{(container.Role == ContainerRole.Main ? "containers" : "initContainers")}{{{container.Name}}}";
        _pending.Writer.TryWrite(new PodEvent(pod.Namespace, pod.Name, pod.Uid, part, type, reason, message));
    }

    /// <summary>Sends what is recorded until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await foreach (var next in _pending.Reader.ReadAllAsync(cancel))
        {
            try
            {
                await SendAsync(next, cancel);
            }
            catch (KubeException problem)
            {
                // Events are for people and are not worth holding anything up.
                log.LogDebug("event {Reason} of {Namespace}/{Pod} was not written: {Problem}", next.Reason, next.Namespace, next.Pod, problem.Message);
            }
        }
    }

    private async Task SendAsync(PodEvent next, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (_known.TryGetValue(next, out var known))
        {
            var change = new JsonObject { ["count"] = known.Count + 1, ["lastTimestamp"] = now.ToKubernetes() };
            try
            {
                await client.PatchAsync(KubeResource.Events, next.Namespace, known.Name, change, cancel: cancel);
                _known[next] = known with { Count = known.Count + 1 };
                return;
            }
            catch (KubeException gone) when (gone.IsNotFound)
            {
                // The API server forgets events after an hour.
            }
        }
        if (_known.Count >= MaxRemembered) _known.Clear();
        var name = $"{next.Pod}.{Guid.NewGuid().ToString("n")[..16]}";
        await client.CreateAsync(KubeResource.Events, next.Namespace, ToJson(next, name, now), cancel);
        _known[next] = (name, 1);
    }

    private JsonObject ToJson(PodEvent next, string name, DateTimeOffset now)
    {
        var subject = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["namespace"] = next.Namespace, ["name"] = next.Pod, ["uid"] = next.Uid };
        if (next.Part.Length > 0) subject["fieldPath"] = next.Part;
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["namespace"] = next.Namespace, ["name"] = name },
            ["involvedObject"] = subject,
            ["type"] = next.Type,
            ["reason"] = next.Reason,
            ["message"] = next.Message,
            ["source"] = new JsonObject { ["component"] = "kubelet", ["host"] = nodeName },
            ["reportingComponent"] = "kubelet",
            ["reportingInstance"] = nodeName,
            ["firstTimestamp"] = now.ToKubernetes(),
            ["lastTimestamp"] = now.ToKubernetes(),
            ["count"] = 1,
        };
    }

    private sealed record PodEvent(string Namespace, string Pod, string Uid, string Part, string Type, string Reason, string Message);
}
