using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>
/// Rolls deployments out. 1. Claim the replica sets. 2. Find the one of the present template, or make it. 3. Number the revisions.
/// 4. Move replicas from the old sets to the new one within maxSurge and maxUnavailable. 5. Forget old sets. 6. Write the status.
/// </summary>
internal sealed class DeploymentController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    public const string Component = "deployment-controller";

    private const string Resource = "deployments.apps";
    private const string Sets = "replicasets.apps";
    private const string Revision = "deployment.kubernetes.io/revision";
    private const string RevisionHistory = "deployment.kubernetes.io/revision-history";

    public override IReadOnlyList<string> Watched { get; } = [Resource, Sets];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        if (change.Object.Key.Resource == Resource) return [change.Object.Key];
        if (Ownership.Controller(change.Object.Root).ValueKind != JsonValueKind.Undefined) return Ownership.ControllerKey(change.Object, "Deployment", Resource);
        return Client.List(Resource, change.Object.Key.Namespace)
            .Where(deployment => LabelSelector.FromObject(deployment.Root.At("spec", "selector")).Matches(change.Object.Root)).Select(deployment => deployment.Key);
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } deployment) return null;
        var root = deployment.Root;
        var selector = LabelSelector.FromObject(root.At("spec", "selector"));
        var sets = await Ownership.ClaimAsync(Client, deployment, Sets, selector, cancel).ConfigureAwait(false);
        var template = JsonText.Copy(root.At("spec", "template"))!;
        var current = sets.Where(set => TemplateHash.Same(template, JsonText.Copy(set.Root.At("spec", "template"))!))
            .OrderBy(set => set.Root.Text("metadata", "creationTimestamp"), StringComparer.Ordinal).FirstOrDefault();
        if (!PodState.IsDeleting(root))
        {
            var paused = root.Flag("spec", "paused");
            if (!paused || current is not null) current = await EnsureCurrentAsync(deployment, sets, current, template, paused, cancel).ConfigureAwait(false);
            var rollout = new DeploymentRollout(Client, Events, deployment, current, [.. sets.Where(set => set.Key != current?.Key)]);
            await rollout.StepAsync(cancel).ConfigureAwait(false);
            if (!paused) await ForgetAsync(deployment, current, cancel).ConfigureAwait(false);
        }
        return await DeploymentStatus.WriteAsync(Client, key, current?.Key, cancel).ConfigureAwait(false);
    }

    private async Task<StoredObject?> EnsureCurrentAsync(StoredObject deployment, List<StoredObject> sets, StoredObject? current, JsonNode template, bool paused, CancellationToken cancel)
    {
        var highest = sets.Where(set => set.Key != current?.Key).Select(set => RevisionOf(set.Root)).DefaultIfEmpty(0).Max();
        var next = (highest + 1).ToString(CultureInfo.InvariantCulture);
        if (current is null)
        {
            current = await CreateSetAsync(deployment, template, next, cancel).ConfigureAwait(false);
        }
        else if (!paused && RevisionOf(current.Root) <= highest)
        {
            // An old set is wanted again: it gets the newest number, and remembers the one that it had.
            current = await Client.UpdateAsync(current.Key, "", value =>
            {
                var annotations = value.Ensure("metadata", "annotations");
                if (annotations.Text(Revision) is { } former)
                    annotations[RevisionHistory] = annotations.Text(RevisionHistory) is { Length: > 0 } history ? $"{history},{former}" : former;
                annotations[Revision] = next;
            }, cancel).ConfigureAwait(false);
        }
        else if (!CopiedAnnotations(deployment.Root).All(pair => current.Root.Text("metadata", "annotations", pair.Name) == pair.Value)
            || (current.Root.Whole("spec", "minReadySeconds") ?? 0) != (deployment.Root.Whole("spec", "minReadySeconds") ?? 0))
        {
            current = await Client.UpdateAsync(current.Key, "", value =>
            {
                foreach (var (name, text) in CopiedAnnotations(deployment.Root)) value.Ensure("metadata", "annotations")[name] = text;
                value.Ensure("spec")["minReadySeconds"] = deployment.Root.Whole("spec", "minReadySeconds") ?? 0;
            }, cancel).ConfigureAwait(false);
        }
        if (current?.Root.Text("metadata", "annotations", Revision) is not { } revision) return current;
        if (deployment.Root.Text("metadata", "annotations", Revision) != revision)
            await Client.UpdateAsync(deployment.Key, "", value => value.Ensure("metadata", "annotations")[Revision] = revision, cancel).ConfigureAwait(false);
        return current;
    }

    private async Task<StoredObject> CreateSetAsync(StoredObject deployment, JsonNode template, string revision, CancellationToken cancel)
    {
        var root = deployment.Root;
        var collisions = root.Whole("status", "collisionCount") ?? 0;
        var hash = TemplateHash.Of(template, collisions);
        var labelled = (JsonObject)template.DeepClone();
        labelled.Ensure("metadata", "labels")[TemplateHash.Label] = hash;
        labelled.Child("metadata")!.Remove("creationTimestamp");
        var selector = (JsonObject)JsonText.Copy(root.At("spec", "selector"))!;
        selector.Ensure("matchLabels")[TemplateHash.Label] = hash;
        var annotations = new JsonObject { [Revision] = revision };
        foreach (var (name, text) in CopiedAnnotations(root)) annotations[name] = text;
        var set = new JsonObject
        {
            ["apiVersion"] = "apps/v1", ["kind"] = "ReplicaSet",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.Key.Name}-{hash}", ["namespace"] = deployment.Key.Namespace, ["labels"] = labelled.Child("metadata", "labels")!.DeepClone(),
                ["annotations"] = annotations, ["ownerReferences"] = new JsonArray(Ownership.Reference(deployment)),
            },
            ["spec"] = new JsonObject
            {
                ["replicas"] = 0L, ["selector"] = selector, ["template"] = labelled, ["minReadySeconds"] = root.Whole("spec", "minReadySeconds") ?? 0,
            },
        };
        try
        {
            return await Client.CreateAsync(Sets, set, cancel).ConfigureAwait(false);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            await Client.UpdateAsync(deployment.Key, "status", value => value.Ensure("status")["collisionCount"] = collisions + 1, cancel).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Deletes old sets without pods beyond the history's length.</summary>
    private async Task ForgetAsync(StoredObject deployment, StoredObject? current, CancellationToken cancel)
    {
        var limit = deployment.Root.Whole("spec", "revisionHistoryLimit") ?? 10;
        var idle = Client.List(Sets, deployment.Key.Namespace)
            .Where(set => Ownership.IsControlledBy(set.Root, deployment.Root) && set.Key != current?.Key && !PodState.IsDeleting(set.Root)
                && set.Root.Whole("spec", "replicas") == 0 && (set.Root.Whole("status", "replicas") ?? 0) == 0
                && set.Root.Whole("status", "observedGeneration") >= set.Root.Whole("metadata", "generation"))
            .OrderBy(set => RevisionOf(set.Root)).ToArray();
        foreach (var set in idle.Take(Math.Max(0, idle.Length - (int)limit))) await Client.DeleteAsync(set, cancel).ConfigureAwait(false);
    }

    /// <summary>Annotations that a deployment hands to its sets, from where "kubectl rollout undo" takes them back.</summary>
    private static IEnumerable<(string Name, string Value)> CopiedAnnotations(JsonElement root) => root.Fields("metadata", "annotations")
        .Where(annotation => annotation.Name is not ("kubectl.kubernetes.io/last-applied-configuration" or Revision or RevisionHistory))
        .Select(annotation => (annotation.Name, annotation.Value.GetString() ?? ""));

    private static long RevisionOf(JsonElement root) =>
        long.TryParse(root.Text("metadata", "annotations", Revision), CultureInfo.InvariantCulture, out var number) ? number : 0;
}
