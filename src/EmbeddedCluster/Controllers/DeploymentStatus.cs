using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Writes a deployment's status: counts, and the conditions that "kubectl rollout status" waits for.</summary>
internal static class DeploymentStatus
{
    /// <summary>Writes it; returns when a deadline or waiting time makes another look necessary.</summary>
    public static async Task<TimeSpan?> WriteAsync(ClusterClient client, ObjectKey key, ObjectKey? current, CancellationToken cancel)
    {
        if (client.Store.Get(key) is not { } deployment) return null;
        var root = deployment.Root;
        var sets = client.List("replicasets.apps", key.Namespace).Where(set => Ownership.IsControlledBy(set.Root, root)).Select(set => (set.Key, set.Root)).ToArray();
        long Sum(string field) => sets.Sum(set => set.Root.Whole("status", field) ?? 0);
        var newest = sets.FirstOrDefault(set => set.Key == current).Root;
        var wanted = root.Whole("spec", "replicas") ?? 1;
        var (total, available) = (Sum("replicas"), Sum("availableReplicas"));
        var updated = newest.Whole("status", "replicas") ?? 0;
        var now = client.Now;
        TimeSpan? again = null;
        await client.UpdateAsync(key, "status", value =>
        {
            var status = value.Ensure("status");
            var before = (status.Whole("updatedReplicas") ?? 0, status.Whole("readyReplicas") ?? 0, status.Whole("availableReplicas") ?? 0, status.Whole("replicas") ?? 0);
            status["observedGeneration"] = root.Whole("metadata", "generation") ?? 1;
            Set(status, "replicas", total);
            Set(status, "updatedReplicas", updated);
            Set(status, "readyReplicas", Sum("readyReplicas"));
            Set(status, "availableReplicas", available);
            Set(status, "unavailableReplicas", Math.Max(0, Math.Max(total, wanted) - available));
            var after = (status.Whole("updatedReplicas") ?? 0, status.Whole("readyReplicas") ?? 0, status.Whole("availableReplicas") ?? 0, status.Whole("replicas") ?? 0);
            SetAvailable(status, root, wanted, available, now);
            again = SetProgress(status, root, newest.Text("metadata", "name"), updated == wanted && total == wanted && available == wanted, before != after, now);
        }, cancel).ConfigureAwait(false);
        return again;
    }

    private static void SetAvailable(JsonObject status, System.Text.Json.JsonElement root, long wanted, long available, DateTimeOffset now)
    {
        var unavailable = root.Text("spec", "strategy", "type") == "Recreate" ? 0
            : DeploymentRollout.Resolve(root.At("spec", "strategy", "rollingUpdate", "maxUnavailable"), (int)wanted, up: false);
        if (available >= wanted - unavailable) PodState.SetCondition(status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now, true);
        else PodState.SetCondition(status, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now, true);
    }

    private static TimeSpan? SetProgress(JsonObject status, System.Text.Json.JsonElement root, string? set, bool complete, bool progressed, DateTimeOffset now)
    {
        var condition = status.Items("conditions").FirstOrDefault(entry => entry.Text("type") == "Progressing");
        if (root.Flag("spec", "paused"))
        {
            PodState.SetCondition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now, true);
            return null;
        }
        if (set is null) return null;
        if (complete)
        {
            PodState.SetCondition(status, "Progressing", "True", "NewReplicaSetAvailable", $"ReplicaSet \"{set}\" has successfully progressed.", now, true);
            return null;
        }
        var message = $"ReplicaSet \"{set}\" is progressing.";
        if (condition is null || condition.Text("reason") is "NewReplicaSetAvailable" or "DeploymentPaused" || progressed)
        {
            if (!PodState.SetCondition(status, "Progressing", "True", condition is null ? "NewReplicaSetCreated" : "ReplicaSetUpdated", condition is null ? $"Created new replica set \"{set}\"" : message, now, true))
                status.Items("conditions").First(entry => entry.Text("type") == "Progressing")["lastUpdateTime"] = ApiServer.Objects.ObjectMetadata.Time(now);
            condition = status.Items("conditions").First(entry => entry.Text("type") == "Progressing");
        }
        if (condition.Text("reason") == "ProgressDeadlineExceeded") return null;
        var deadline = TimeSpan.FromSeconds(root.Whole("spec", "progressDeadlineSeconds") ?? 600);
        var since = DateTimeOffset.TryParse(condition.Text("lastUpdateTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : now;
        if (now - since <= deadline) return since + deadline - now + TimeSpan.FromSeconds(1);
        PodState.SetCondition(status, "Progressing", "False", "ProgressDeadlineExceeded", $"ReplicaSet \"{set}\" has timed out progressing.", now, true);
        return null;
    }

    private static void Set(JsonObject status, string name, long count) => status.SetOrRemove(name, count == 0 ? null : JsonValue.Create(count));
}
