using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Removes pods whose node is gone, and those that were deleted before they got one.</summary>
internal sealed class PodGarbageController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const int TerminatedLimit = 500;

    public override IReadOnlyList<string> Watched { get; } = ["nodes"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) => change.Type == ChangeType.Modified ? [] : [change.Object.Key];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var nodes = Client.List("nodes").Select(node => node.Key.Name).ToHashSet();
        foreach (var pod in Client.List("pods"))
        {
            var node = pod.Root.Text("spec", "nodeName");
            var stranded = string.IsNullOrEmpty(node) ? PodState.IsDeleting(pod.Root) : nodes.Count > 0 && !nodes.Contains(node);
            if (stranded) await Client.DeleteAsync(pod, cancel, graceSeconds: 0).ConfigureAwait(false);
        }
        var ended = Client.List("pods").Where(pod => PodState.IsTerminal(pod.Root)).OrderBy(pod => pod.Revision).ToArray();
        foreach (var pod in ended.Take(Math.Max(0, ended.Length - TerminatedLimit))) await Client.DeleteAsync(pod, cancel, graceSeconds: 0).ConfigureAwait(false);
        return TimeSpan.FromMinutes(1);
    }
}

/// <summary>Gives services of type LoadBalancer an address.</summary>
internal sealed class LoadBalancerController(ClusterClient client, EventRecorder events, string address) : Controller(client, events)
{
    public override IReadOnlyList<string> Watched { get; } = ["services"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) => change.Type == ChangeType.Deleted ? [] : [change.Object.Key];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } service) return null;
        var wanted = service.Root.Text("spec", "type") == "LoadBalancer" && service.Root.Text("spec", "loadBalancerClass") is null;
        var has = service.Root.Items("status", "loadBalancer", "ingress").Any();
        if (wanted == has || (!wanted && service.Root.Text("spec", "loadBalancerClass") is not null)) return null;
        await Client.UpdateAsync(key, "status", value => value.Ensure("status")["loadBalancer"] = wanted
            ? new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = address, ["ipMode"] = "VIP" }) } : new JsonObject(), cancel).ConfigureAwait(false);
        return null;
    }
}

/// <summary>Removes events after an hour.</summary>
internal sealed class EventLifeController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    public override IReadOnlyList<string> Watched { get; } = ["events"];

    /// <summary>One key stands for all events.</summary>
    public override IEnumerable<ObjectKey> Affected(StoredChange change) => change.Type == ChangeType.Added ? [new ObjectKey("events", "", "")] : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var all = Client.List("events");
        foreach (var stored in all)
        {
            var root = stored.Root;
            var last = root.Text("series", "lastObservedTime") ?? root.Text("lastTimestamp") ?? root.Text("eventTime") ?? root.Text("metadata", "creationTimestamp");
            if (DateTimeOffset.TryParse(last, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && Client.Now - time > Life)
                await Client.DeleteAsync(stored, cancel).ConfigureAwait(false);
        }
        return all.Count == 0 ? null : TimeSpan.FromMinutes(1);
    }
}
