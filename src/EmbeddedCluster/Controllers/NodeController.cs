using System.Globalization;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>
/// Says of a node that it is not ready when its lease is no longer renewed, and of its pods that they are not. Nothing is evicted:
/// a node runtime that comes back adopts what still runs.
/// </summary>
internal sealed class NodeController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string Leases = "leases.coordination.k8s.io";
    private const string LeaseNamespace = "kube-node-lease";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    public override IReadOnlyList<string> Watched { get; } = ["nodes", Leases];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        var key = change.Object.Key;
        if (key.Resource == "nodes") return change.Type == ChangeType.Added ? [key] : [];
        return key.Namespace == LeaseNamespace && change.Type == ChangeType.Added ? [new ObjectKey("nodes", "", key.Name)] : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } node) return null;
        if (LastSign(node) is not { } sign) return Grace;
        var silent = Client.Now - sign;
        if (silent < Grace) return Grace - silent + TimeSpan.FromSeconds(1);
        if (PodState.ConditionOf(node.Root, "Ready").Text("status") is "True" or "False")
        {
            await Client.UpdateAsync(key, "status", value => PodState.SetCondition(value.Ensure("status"), "Ready", "Unknown", "NodeStatusUnknown",
                "Kubelet stopped posting node status.", Client.Now), cancel).ConfigureAwait(false);
            Events.Normal(node, "NodeNotReady", $"Node {key.Name} status is now: NodeNotReady", "node-controller");
            await MarkPodsAsync(key.Name, cancel).ConfigureAwait(false);
        }
        return TimeSpan.FromSeconds(5);
    }

    private DateTimeOffset? LastSign(StoredObject node)
    {
        var renewed = Time(Client.Get(Leases, LeaseNamespace, node.Key.Name)?.Root.Text("spec", "renewTime"));
        var beat = Time(PodState.ConditionOf(node.Root, "Ready").Text("lastHeartbeatTime"));
        return renewed is null ? beat : beat is null || renewed > beat ? renewed : beat;
    }

    private async Task MarkPodsAsync(string node, CancellationToken cancel)
    {
        foreach (var pod in Client.List("pods").Where(pod => pod.Root.Text("spec", "nodeName") == node && PodState.IsReady(pod.Root)))
            await Client.UpdateAsync(pod.Key, "status", value =>
            {
                var ready = value.Items("status", "conditions").FirstOrDefault(condition => condition.Text("type") == "Ready");
                if (ready is null) return;
                ready["status"] = "False";
                ready["reason"] = "NodeNotReady";
                ready["lastTransitionTime"] = ObjectMetadata.Time(Client.Now);
            }, cancel).ConfigureAwait(false);
    }

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
