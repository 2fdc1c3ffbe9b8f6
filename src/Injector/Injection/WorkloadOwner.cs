using Lateen.Kubernetes.Models;

namespace Lateen.Injector.Injection;

/// <summary>The workload that a pod belongs to: its deployment rather than its replica set. Immutable.</summary>
/// <param name="Name">Name of the workload; empty for a bare pod that is yet to get a name.</param>
/// <param name="Uri"><c>kubernetes://apis/apps/v1/namespaces/NS/deployments/NAME</c>.</param>
public sealed record WorkloadOwner(string Name, string Uri)
{
    /// <summary>Finds the owner of a pod.</summary>
    public static WorkloadOwner Of(Pod pod, string ns)
    {
        if (pod.Controller is not { } controller) return pod.Name.Length > 0 ? new WorkloadOwner(pod.Name, $"kubernetes://apis/v1/namespaces/{ns}/pods/{pod.Name}") : new WorkloadOwner("", "");
        var (kind, name) = (controller.Kind, controller.Name);
        // A replica set of a deployment is named after it, with the hash of its template behind.
        if (kind == "ReplicaSet" && pod.Labels.TryGetValue("pod-template-hash", out var hash) && name.EndsWith("-" + hash, StringComparison.Ordinal))
            (kind, name) = ("Deployment", name[..^(hash.Length + 1)]);
        var group = kind is "Job" or "CronJob" ? "batch/v1" : kind == "ReplicationController" ? "v1" : "apps/v1";
        return new WorkloadOwner(name, $"kubernetes://apis/{group}/namespaces/{ns}/{kind.ToLowerInvariant()}s/{name}");
    }
}
