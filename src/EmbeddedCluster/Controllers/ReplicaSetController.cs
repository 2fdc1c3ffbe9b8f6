using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Keeps the wanted number of pods of a replica set or replication controller.</summary>
internal sealed class ReplicaSetController(ClusterClient client, EventRecorder events, string resource, string kind) : Controller(client, events)
{
    /// <summary>Pods made or deleted in one pass.</summary>
    private const int Burst = 100;

    private readonly string _component = kind == "ReplicaSet" ? "replicaset-controller" : "replication-controller";

    public override IReadOnlyList<string> Watched { get; } = [resource, "pods"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        if (change.Object.Key.Resource == resource) return [change.Object.Key];
        var controlled = Ownership.ControllerKey(change.Object, kind, resource).ToArray();
        if (controlled.Length > 0 || Ownership.Controller(change.Object.Root).ValueKind != JsonValueKind.Undefined) return controlled;
        return Client.List(resource, change.Object.Key.Namespace).Where(set => Selector(set.Root).Matches(change.Object.Root)).Select(set => set.Key);
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return null;
        var root = set.Root;
        var pods = await Ownership.ClaimAsync(Client, set, "pods", Selector(root), cancel).ConfigureAwait(false);
        var active = pods.Where(pod => PodState.IsActive(pod.Root)).ToList();
        var wanted = (int)(root.Whole("spec", "replicas") ?? 1);
        string? failure = null;
        if (!PodState.IsDeleting(root))
        {
            if (active.Count < wanted) failure = await GrowAsync(set, Math.Min(Burst, wanted - active.Count), cancel).ConfigureAwait(false);
            else if (active.Count > wanted) await ShrinkAsync(set, active, Math.Min(Burst, active.Count - wanted), cancel).ConfigureAwait(false);
        }
        var minReady = root.Whole("spec", "minReadySeconds") ?? 0;
        var left = await WriteStatusAsync(key, minReady, failure, cancel).ConfigureAwait(false);
        if (failure is not null) throw new ApiException(500, "InternalError", failure);
        return left ? TimeSpan.FromSeconds(Math.Max(1, minReady)) : null;
    }

    private LabelSelector Selector(JsonElement root) =>
        kind == "ReplicaSet" ? LabelSelector.FromObject(root.At("spec", "selector")) : LabelSelector.FromMap(root.At("spec", "selector"));

    private async Task<string?> GrowAsync(StoredObject set, int count, CancellationToken cancel)
    {
        for (var i = 0; i < count; i++)
        {
            var pod = PodState.FromTemplate(set, set.Root.At("spec", "template"));
            pod.Ensure("metadata")["generateName"] = set.Key.Name + "-";
            try
            {
                var made = await Client.CreateAsync("pods", pod, cancel).ConfigureAwait(false);
                Events.Normal(set, "SuccessfulCreate", $"Created pod: {made.Key.Name}", _component);
            }
            catch (ApiException refused)
            {
                Events.Warning(set, "FailedCreate", $"Error creating: {refused.Message}", _component);
                return refused.Message;
            }
        }
        return null;
    }

    private async Task ShrinkAsync(StoredObject set, List<StoredObject> active, int count, CancellationToken cancel)
    {
        // First to go: not bound, not ready, cheap by annotation, young.
        var order = active.OrderBy(pod => string.IsNullOrEmpty(pod.Root.Text("spec", "nodeName")) ? 0 : 1)
            .ThenBy(pod => pod.Root.Text("status", "phase") switch { "Pending" => 0, "Unknown" => 1, _ => 2 })
            .ThenBy(pod => PodState.IsReady(pod.Root) ? 1 : 0)
            .ThenBy(pod => long.TryParse(pod.Root.Text("metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"), out var cost) ? cost : 0)
            .ThenByDescending(pod => PodState.ReadySince(pod.Root) ?? DateTimeOffset.MinValue)
            .ThenByDescending(pod => pod.Root.Text("metadata", "creationTimestamp"), StringComparer.Ordinal).ThenByDescending(pod => pod.Revision);
        foreach (var pod in order.Take(count))
        {
            await Client.DeleteAsync(pod, cancel).ConfigureAwait(false);
            Events.Normal(set, "SuccessfulDelete", $"Deleted pod: {pod.Key.Name}", _component);
        }
    }

    /// <summary>Writes what is seen; true when a ready pod is still to become available.</summary>
    private async Task<bool> WriteStatusAsync(ObjectKey key, long minReady, string? failure, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return false;
        var root = set.Root;
        var now = Client.Now;
        var pods = Client.List("pods", key.Namespace).Where(pod => Ownership.IsControlledBy(pod.Root, root) && PodState.IsActive(pod.Root)).Select(pod => pod.Root).ToArray();
        var template = root.At("spec", "template", "metadata", "labels");
        var ready = pods.Count(PodState.IsReady);
        var available = pods.Count(pod => PodState.IsAvailable(pod, minReady, now));
        await Client.UpdateAsync(key, "status", value =>
        {
            var status = value.Ensure("status");
            status["replicas"] = (long)pods.Length;
            status["observedGeneration"] = root.Whole("metadata", "generation") ?? 1;
            SetCount(status, "fullyLabeledReplicas", pods.Count(pod => template.Fields().All(label => pod.Text("metadata", "labels", label.Name) == label.Value.GetString())));
            SetCount(status, "readyReplicas", ready);
            SetCount(status, "availableReplicas", available);
            if (failure is not null) PodState.SetCondition(status, "ReplicaFailure", "True", "FailedCreate", failure, now);
            else if (status["conditions"] is JsonArray conditions)
            {
                foreach (var old in conditions.OfType<JsonObject>().Where(condition => condition.Text("type") == "ReplicaFailure").ToArray()) conditions.Remove(old);
                if (conditions.Count == 0) status.Remove("conditions");
            }
        }, cancel).ConfigureAwait(false);
        return ready > available;
    }

    private static void SetCount(JsonObject status, string name, int count) => status.SetOrRemove(name, count == 0 ? null : JsonValue.Create((long)count));
}
