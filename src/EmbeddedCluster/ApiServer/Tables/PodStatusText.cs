using System.Text.Json;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>How kubectl sums up a pod: ready containers, a status word, restarts.</summary>
internal static class PodStatusText
{
    public static string Ready(JsonElement pod)
    {
        var sidecars = pod.Items("spec", "initContainers").Where(IsSidecar).Select(container => container.Text("name")).ToHashSet();
        var total = pod.Items("spec", "containers").Count() + sidecars.Count;
        var ready = pod.Items("status", "containerStatuses").Count(status => status.Flag("ready") && status.Has("state", "running"))
            + pod.Items("status", "initContainerStatuses").Count(status => status.Flag("ready") && sidecars.Contains(status.Text("name")));
        return $"{ready}/{total}";
    }

    public static string Restarts(JsonElement pod, DateTimeOffset now)
    {
        var statuses = pod.Items("status", "containerStatuses").Concat(pod.Items("status", "initContainerStatuses")).ToArray();
        var count = statuses.Sum(status => status.Whole("restartCount") ?? 0);
        var last = statuses.Select(status => HumanTime.Parse(status.Text("lastState", "terminated", "finishedAt"))).Max();
        return count > 0 && last is { } time ? $"{count} ({HumanTime.Duration(now - time)} ago)" : count.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    public static string Status(JsonElement pod)
    {
        var reason = pod.Text("status", "reason") ?? pod.Text("status", "phase") ?? "Unknown";
        if (pod.Items("status", "conditions").Any(condition => condition.Text("type") == "PodScheduled" && condition.Text("reason") == "SchedulingGated"))
            reason = "SchedulingGated";
        var initializing = InitReason(pod);
        if (initializing is not null) reason = initializing;
        if (initializing is null || pod.Items("status", "conditions").Any(condition => condition.Text("type") == "Initialized" && condition.Text("status") == "True"))
            reason = ContainerReason(pod, reason);
        if (pod.Text("metadata", "deletionTimestamp") is null) return reason;
        if (pod.Text("status", "reason") == "NodeLost") return "Unknown";
        return pod.Text("status", "phase") is "Failed" or "Succeeded" ? reason : "Terminating";
    }

    private static string? InitReason(JsonElement pod)
    {
        var containers = pod.Items("spec", "initContainers").ToArray();
        var at = -1;
        foreach (var status in pod.Items("status", "initContainerStatuses"))
        {
            at++;
            var name = status.Text("name");
            var isSidecar = containers.Any(container => container.Text("name") == name && IsSidecar(container));
            if (status.Whole("state", "terminated", "exitCode") == 0) continue;
            if (isSidecar && status.Flag("started")) continue;
            if (status.Has("state", "terminated")) return "Init:" + TerminatedReason(status);
            if (status.Text("state", "waiting", "reason") is { Length: > 0 } waiting and not "PodInitializing") return "Init:" + waiting;
            return $"Init:{at}/{containers.Length}";
        }
        return null;
    }

    private static string ContainerReason(JsonElement pod, string reason)
    {
        var running = false;
        foreach (var status in pod.Items("status", "containerStatuses").Reverse())
        {
            if (status.Text("state", "waiting", "reason") is { Length: > 0 } waiting) reason = waiting;
            else if (status.Has("state", "terminated")) reason = TerminatedReason(status);
            else if (status.Flag("ready") && status.Has("state", "running")) running = true;
        }
        if (reason != "Completed" || !running) return reason;
        return pod.Items("status", "conditions").Any(condition => condition.Text("type") == "Ready" && condition.Text("status") == "True") ? "Running" : "NotReady";
    }

    private static string TerminatedReason(JsonElement status) => status.Text("state", "terminated", "reason") is { Length: > 0 } reason ? reason
        : status.Whole("state", "terminated", "signal") is > 0 and var signal ? $"Signal:{signal}" : $"ExitCode:{status.Whole("state", "terminated", "exitCode")}";

    private static bool IsSidecar(JsonElement container) => container.Text("restartPolicy") == "Always";
}
