using System.Globalization;
using System.Text.Json;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Binds pending pods to a node that is ready and takes them, the one with the fewest pods.</summary>
internal sealed class Scheduler(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string Component = "default-scheduler";

    public override IReadOnlyList<string> Watched { get; } = ["pods", "nodes"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        if (change.Object.Key.Resource == "pods") return change.Type != ChangeType.Deleted && IsPending(change.Object.Root) ? [change.Object.Key] : [];
        // Heartbeats of a node change nothing for pods.
        if (change.Previous is { } before && change.Type == ChangeType.Modified && Takes(before.Root) == Takes(change.Object.Root)) return [];
        return Client.List("pods").Where(pod => IsPending(pod.Root)).Select(pod => pod.Key);
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } pod || !IsPending(pod.Root)) return null;
        var nodes = Client.List("nodes");
        var fitting = nodes.Where(node => Takes(node.Root) && Fits(pod.Root, node.Root)).ToArray();
        if (fitting.Length == 0)
        {
            var message = $"0/{nodes.Count} nodes are available: no node is ready and takes the pod.";
            var changed = false;
            await Client.UpdateAsync(key, "status", value =>
                changed = PodState.SetCondition(value.Ensure("status"), "PodScheduled", "False", "Unschedulable", message, Client.Now), cancel).ConfigureAwait(false);
            if (changed) Events.Warning(pod, "FailedScheduling", message, Component);
            return null;
        }
        var load = Client.List("pods").GroupBy(other => other.Root.Text("spec", "nodeName") ?? "").ToDictionary(group => group.Key, group => group.Count());
        var chosen = fitting.MinBy(node => load.GetValueOrDefault(node.Key.Name))!.Key.Name;
        var bound = await Client.UpdateAsync(key, ObjectOperations.BindingPart, value =>
        {
            if (!string.IsNullOrEmpty(value.Text("spec", "nodeName"))) return;
            value.Ensure("spec")["nodeName"] = chosen;
            PodState.SetCondition(value.Ensure("status"), "PodScheduled", "True", null, null, Client.Now);
        }, cancel).ConfigureAwait(false);
        if (bound is not null) Events.Normal(bound, "Scheduled", string.Create(CultureInfo.InvariantCulture, $"Successfully assigned {key.Namespace}/{key.Name} to {chosen}"), Component);
        return null;
    }

    private static bool IsPending(JsonElement pod) => string.IsNullOrEmpty(pod.Text("spec", "nodeName")) && PodState.IsActive(pod)
        && pod.Text("spec", "schedulerName") is null or "" or "default-scheduler" && !pod.Items("spec", "schedulingGates").Any();

    private static bool Takes(JsonElement node) => PodState.ConditionOf(node, "Ready").Text("status") == "True" && !node.Flag("spec", "unschedulable") && !PodState.IsDeleting(node);

    private static bool Fits(JsonElement pod, JsonElement node)
    {
        foreach (var wanted in pod.Fields("spec", "nodeSelector"))
            if (node.Text("metadata", "labels", wanted.Name) != wanted.Value.GetString()) return false;
        foreach (var taint in node.Items("spec", "taints"))
            if (taint.Text("effect") is "NoSchedule" or "NoExecute" && !pod.Items("spec", "tolerations").Any(toleration => Tolerates(toleration, taint))) return false;
        return true;
    }

    private static bool Tolerates(JsonElement toleration, JsonElement taint)
    {
        if (toleration.Text("effect") is { Length: > 0 } effect && effect != taint.Text("effect")) return false;
        if (toleration.Text("key") is { Length: > 0 } key && key != taint.Text("key")) return false;
        return toleration.Text("operator") == "Exists" || (toleration.Text("value") ?? "") == (taint.Text("value") ?? "");
    }
}
