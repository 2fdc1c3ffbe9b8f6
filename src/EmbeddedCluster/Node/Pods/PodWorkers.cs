using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Informers;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>One worker for every pod that is bound to this node or still has traces on its disk. Any thread.</summary>
internal sealed class PodWorkers(NodeParts node)
{
    private readonly ConcurrentDictionary<string, (PodWorker Worker, Task Running)> _workers = new();
    private readonly Lock _gate = new();
    private CancellationToken _stopping;

    /// <summary>Every pod's worker now.</summary>
    public IEnumerable<PodWorker> All => _workers.Values.Select(entry => entry.Worker);

    /// <summary>The worker of a pod that has not ended, by name.</summary>
    /// <returns>Null when there is none.</returns>
    public PodWorker? Find(string ns, string name) =>
        All.Where(worker => worker.Pod.Namespace == ns && worker.Pod.Name == name).MaxBy(worker => worker.Pod.Metadata.TimeOf("creationTimestamp"));

    /// <summary>Takes over the pods that the disk knows, then follows the API. Ends when cancelled and every worker has let go.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        _stopping = cancel;
        AdoptFromDisk();
        await using var pods = new Informer(node.Client, KubeResource.Pods, fieldSelector: $"spec.nodeName={node.Options.Name}", log: node.Log);
        pods.Changed += OnChanged;
        node.Objects.ConfigMaps.Changed += OnObjectChanged;
        node.Objects.Secrets.Changed += OnObjectChanged;
        pods.Start();
        try
        {
            await pods.WaitForSyncAsync(cancel);
            RemoveUnknown(pods);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
        await Task.WhenAll(_workers.Values.Select(entry => entry.Running));
    }

    private void AdoptFromDisk()
    {
        var folder = $"{node.Options.StateFolder}/pods";
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateDirectories(folder).Select(pod => $"{pod}/pod.json").Where(File.Exists))
        {
            if (JsonNode.Parse(File.ReadAllText(file)) is JsonObject json) Update(new PodDefinition(json));
        }
    }

    private void OnChanged(InformerEvent change)
    {
        var pod = new PodDefinition(change.Object);
        if (change.Type == InformerEventType.Deleted)
        {
            if (_workers.TryGetValue(pod.Uid, out var entry)) entry.Worker.Remove();
            return;
        }
        // The same name with another uid: the old pod is gone even if its last event was missed.
        if (change.Previous is { } previous && new PodDefinition(previous) is var old && old.Uid != pod.Uid && _workers.TryGetValue(old.Uid, out var replaced)) replaced.Worker.Remove();
        Update(pod);
    }

    private void Update(PodDefinition pod)
    {
        lock (_gate)
        {
            if (_workers.TryGetValue(pod.Uid, out var entry))
            {
                entry.Worker.Update(pod);
                return;
            }
            var worker = new PodWorker(node, pod);
            _workers[pod.Uid] = (worker, Task.Run(() => RunAsync(worker, pod.Uid)));
            if (pod.IsDeleting) worker.Update(pod);
        }
    }

    private async Task RunAsync(PodWorker worker, string uid)
    {
        try
        {
            await worker.RunAsync(_stopping);
        }
        catch (Exception failure)
        {
            node.Log.LogError(failure, "the worker of pod {Namespace}/{Pod} failed", worker.Pod.Namespace, worker.Pod.Name);
        }
        lock (_gate) _workers.TryRemove(uid, out _);
        worker.Dispose();
    }

    private void RemoveUnknown(Informer pods)
    {
        var known = pods.Objects.Select(pod => new PodDefinition(pod).Uid).ToHashSet();
        foreach (var (uid, entry) in _workers)
            if (!known.Contains(uid)) entry.Worker.Remove();
    }

    private void OnObjectChanged(InformerEvent change)
    {
        if (change.Type == InformerEventType.Deleted) return;
        var ns = change.Object.ObjectOf("metadata").TextOf("namespace");
        foreach (var worker in All)
            if (worker.Pod.Namespace == ns) worker.RefreshVolumes();
    }
}
