using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Keeps one pod of a daemon set on every node that its selector takes.</summary>
internal sealed class DaemonSetController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string Resource = "daemonsets.apps";
    private const string RevisionLabel = "controller-revision-hash";
    private const string Component = "daemonset-controller";

    public override IReadOnlyList<string> Watched { get; } = [Resource, "pods", "nodes"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) => change.Object.Key.Resource switch
    {
        Resource => [change.Object.Key],
        "nodes" => change.Type == ChangeType.Modified ? [] : Client.List(Resource).Select(set => set.Key),
        _ => Ownership.ControllerKey(change.Object, "DaemonSet", Resource),
    };

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return null;
        var root = set.Root;
        var hash = TemplateHash.Of(JsonText.Copy(root.At("spec", "template"))!);
        var nodes = Client.List("nodes").Where(node => !PodState.IsDeleting(node.Root) && Takes(root, node.Root)).Select(node => node.Key.Name).ToArray();
        if (!PodState.IsDeleting(root)) await StepAsync(set, nodes, hash, cancel).ConfigureAwait(false);
        await WriteStatusAsync(key, nodes, hash, cancel).ConfigureAwait(false);
        return null;
    }

    private async Task StepAsync(StoredObject set, string[] nodes, string hash, CancellationToken cancel)
    {
        var root = set.Root;
        var pods = await Ownership.ClaimAsync(Client, set, "pods", LabelSelector.FromObject(root.At("spec", "selector")), cancel).ConfigureAwait(false);
        var byNode = pods.Where(pod => !PodState.IsDeleting(pod.Root)).ToLookup(pod => pod.Root.Text("spec", "nodeName") ?? "");
        foreach (var node in nodes.Where(node => !byNode[node].Any() && !pods.Any(pod => pod.Root.Text("spec", "nodeName") == node)))
        {
            var pod = PodState.FromTemplate(set, root.At("spec", "template"));
            pod.Ensure("metadata")["generateName"] = set.Key.Name + "-";
            pod.Ensure("metadata", "labels")[RevisionLabel] = hash;
            pod.Ensure("spec")["nodeName"] = node;
            var made = await Client.CreateAsync("pods", pod, cancel).ConfigureAwait(false);
            Events.Normal(set, "SuccessfulCreate", $"Created pod: {made.Key.Name}", Component);
        }
        var surplus = byNode.Where(group => !nodes.Contains(group.Key)).SelectMany(group => group)
            .Concat(byNode.Where(group => nodes.Contains(group.Key)).SelectMany(group => group.OrderBy(pod => pod.Revision).Skip(1)))
            .Concat(pods.Where(pod => PodState.IsTerminal(pod.Root) && !PodState.IsDeleting(pod.Root))).DistinctBy(pod => pod.Key).ToArray();
        foreach (var pod in surplus) await DeleteAsync(set, pod, cancel).ConfigureAwait(false);
        if (surplus.Length > 0 || root.Text("spec", "updateStrategy", "type") != "RollingUpdate") return;
        var unavailable = nodes.Count(node => !byNode[node].Any(pod => PodState.IsReady(pod.Root)));
        var allowed = Math.Max(1, DeploymentRollout.Resolve(root.At("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), nodes.Length, up: true)) - unavailable;
        foreach (var pod in byNode.SelectMany(group => group).Where(pod => pod.Root.Text("metadata", "labels", RevisionLabel) != hash))
        {
            var ready = PodState.IsReady(pod.Root);
            if (ready && allowed <= 0) continue;
            await DeleteAsync(set, pod, cancel).ConfigureAwait(false);
            if (ready) allowed--;
        }
    }

    private async Task DeleteAsync(StoredObject set, StoredObject pod, CancellationToken cancel)
    {
        await Client.DeleteAsync(pod, cancel).ConfigureAwait(false);
        Events.Normal(set, "SuccessfulDelete", $"Deleted pod: {pod.Key.Name}", Component);
    }

    private async Task WriteStatusAsync(ObjectKey key, string[] nodes, string hash, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return;
        var root = set.Root;
        var pods = Client.List("pods", key.Namespace).Where(pod => Ownership.IsControlledBy(pod.Root, root) && PodState.IsActive(pod.Root)).Select(pod => pod.Root).ToArray();
        await Client.UpdateAsync(key, "status", value =>
        {
            var status = value.Ensure("status");
            var ready = (long)pods.Count(PodState.IsReady);
            status["observedGeneration"] = root.Whole("metadata", "generation") ?? 1;
            status["desiredNumberScheduled"] = (long)nodes.Length;
            status["currentNumberScheduled"] = (long)pods.Count(pod => nodes.Contains(pod.Text("spec", "nodeName")));
            status["numberMisscheduled"] = (long)pods.Count(pod => !nodes.Contains(pod.Text("spec", "nodeName")));
            status["numberReady"] = ready;
            status.SetOrRemove("numberAvailable", ready == 0 ? null : JsonValue.Create(ready));
            status.SetOrRemove("numberUnavailable", nodes.Length - ready <= 0 ? null : JsonValue.Create(nodes.Length - ready));
            var updated = (long)pods.Count(pod => pod.Text("metadata", "labels", RevisionLabel) == hash);
            status.SetOrRemove("updatedNumberScheduled", updated == 0 ? null : JsonValue.Create(updated));
        }, cancel).ConfigureAwait(false);
    }

    private static bool Takes(JsonElement set, JsonElement node) => set.Fields("spec", "template", "spec", "nodeSelector")
        .All(wanted => node.Text("metadata", "labels", wanted.Name) == wanted.Value.GetString());
}
