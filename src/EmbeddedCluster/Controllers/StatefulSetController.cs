using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Keeps the numbered pods of stateful sets, in order unless they may be made in parallel.</summary>
internal sealed class StatefulSetController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string Resource = "statefulsets.apps";
    private const string RevisionLabel = "controller-revision-hash";
    private const string Component = "statefulset-controller";

    public override IReadOnlyList<string> Watched { get; } = [Resource, "pods"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) =>
        change.Object.Key.Resource == Resource ? [change.Object.Key] : Ownership.ControllerKey(change.Object, "StatefulSet", Resource);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return null;
        var root = set.Root;
        var hash = $"{key.Name}-{TemplateHash.Of(JsonText.Copy(root.At("spec", "template"))!)}";
        if (!PodState.IsDeleting(root)) await StepAsync(set, hash, cancel).ConfigureAwait(false);
        await WriteStatusAsync(key, hash, cancel).ConfigureAwait(false);
        return null;
    }

    private async Task StepAsync(StoredObject set, string hash, CancellationToken cancel)
    {
        var root = set.Root;
        var claimed = await Ownership.ClaimAsync(Client, set, "pods", LabelSelector.FromObject(root.At("spec", "selector")), cancel).ConfigureAwait(false);
        var pods = new SortedDictionary<int, StoredObject>();
        foreach (var pod in claimed)
            if (Ordinal(pod.Key.Name) is { } number) pods[number] = pod;
        var first = (int)(root.Whole("spec", "ordinals", "start") ?? 0);
        var end = first + (int)(root.Whole("spec", "replicas") ?? 1);
        var ordered = root.Text("spec", "podManagementPolicy") != "Parallel";
        for (var number = first; number < end; number++)
        {
            if (!pods.TryGetValue(number, out var pod)) await CreateAsync(set, number, hash, cancel).ConfigureAwait(false);
            else if (PodState.IsTerminal(pod.Root) && !PodState.IsDeleting(pod.Root)) await Client.DeleteAsync(pod, cancel).ConfigureAwait(false);
            else if (PodState.IsReady(pod.Root) && !PodState.IsDeleting(pod.Root)) continue;
            if (ordered) return;
        }
        foreach (var (number, pod) in pods.Reverse())
        {
            if (number >= first && number < end) continue;
            if (!PodState.IsDeleting(pod.Root)) await DeleteAsync(set, pod, cancel).ConfigureAwait(false);
            if (ordered) return;
        }
        if (root.Text("spec", "updateStrategy", "type") != "RollingUpdate") return;
        var partition = root.Whole("spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
        foreach (var (number, pod) in pods.Reverse())
        {
            if (number < first + partition || number >= end) continue;
            if (PodState.IsDeleting(pod.Root)) return;
            if (pod.Root.Text("metadata", "labels", RevisionLabel) != hash)
            {
                await DeleteAsync(set, pod, cancel).ConfigureAwait(false);
                return;
            }
            if (!PodState.IsReady(pod.Root)) return;
        }
    }

    private async Task CreateAsync(StoredObject set, int number, string hash, CancellationToken cancel)
    {
        var root = set.Root;
        var name = string.Create(CultureInfo.InvariantCulture, $"{set.Key.Name}-{number}");
        var pod = PodState.FromTemplate(set, root.At("spec", "template"));
        var metadata = pod.Ensure("metadata");
        metadata["name"] = name;
        var labels = metadata.Ensure("labels");
        labels["statefulset.kubernetes.io/pod-name"] = name;
        labels["apps.kubernetes.io/pod-index"] = number.ToString(CultureInfo.InvariantCulture);
        labels[RevisionLabel] = hash;
        var spec = pod.Ensure("spec");
        spec["hostname"] = name;
        if (root.Text("spec", "serviceName") is { Length: > 0 } service) spec["subdomain"] = service;
        foreach (var claim in root.Items("spec", "volumeClaimTemplates")) await AddClaimAsync(set, claim, name, spec, cancel).ConfigureAwait(false);
        await Client.CreateAsync("pods", pod, cancel).ConfigureAwait(false);
        Events.Normal(set, "SuccessfulCreate", $"create Pod {name} in StatefulSet {set.Key.Name} successful", Component);
    }

    private async Task AddClaimAsync(StoredObject set, JsonElement template, string pod, JsonObject spec, CancellationToken cancel)
    {
        var volume = template.Text("metadata", "name") ?? "";
        var name = $"{volume}-{pod}";
        var volumes = spec.EnsureList("volumes");
        foreach (var same in volumes.OfType<JsonObject>().Where(entry => entry.Text("name") == volume).ToArray()) volumes.Remove(same);
        volumes.Add((JsonNode)new JsonObject { ["name"] = volume, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = name } });
        if (Client.Get("persistentvolumeclaims", set.Key.Namespace, name) is not null) return;
        var claim = (JsonObject)JsonText.Copy(template)!;
        claim["apiVersion"] = "v1";
        claim["kind"] = "PersistentVolumeClaim";
        claim.Remove("status");
        claim["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = set.Key.Namespace, ["labels"] = JsonText.Copy(set.Root.At("spec", "selector"))!.Child("matchLabels")?.DeepClone() };
        await Client.CreateAsync("persistentvolumeclaims", claim, cancel).ConfigureAwait(false);
    }

    private async Task DeleteAsync(StoredObject set, StoredObject pod, CancellationToken cancel)
    {
        await Client.DeleteAsync(pod, cancel).ConfigureAwait(false);
        Events.Normal(set, "SuccessfulDelete", $"delete Pod {pod.Key.Name} in StatefulSet {set.Key.Name} successful", Component);
    }

    private async Task WriteStatusAsync(ObjectKey key, string hash, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } set) return;
        var root = set.Root;
        var pods = Client.List("pods", key.Namespace).Where(pod => Ownership.IsControlledBy(pod.Root, root) && !PodState.IsTerminal(pod.Root)).Select(pod => pod.Root).ToArray();
        var updated = pods.Count(pod => pod.Text("metadata", "labels", RevisionLabel) == hash && !PodState.IsDeleting(pod));
        var ready = pods.Count(PodState.IsReady);
        await Client.UpdateAsync(key, "status", value =>
        {
            var status = value.Ensure("status");
            var wanted = root.Whole("spec", "replicas") ?? 1;
            status["observedGeneration"] = root.Whole("metadata", "generation") ?? 1;
            status["replicas"] = (long)pods.Length;
            status["readyReplicas"] = (long)ready;
            status["availableReplicas"] = (long)ready;
            status["updatedReplicas"] = (long)updated;
            status["updateRevision"] = hash;
            if (updated == pods.Length && updated == wanted && ready == wanted) status["currentRevision"] = hash;
            else status.SetDefault("currentRevision", hash);
            var current = status.Text("currentRevision");
            status["currentReplicas"] = (long)pods.Count(pod => pod.Text("metadata", "labels", RevisionLabel) == current);
            status.SetDefault("collisionCount", 0L);
        }, cancel).ConfigureAwait(false);
    }

    private static int? Ordinal(string name) =>
        int.TryParse(name[(name.LastIndexOf('-') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
