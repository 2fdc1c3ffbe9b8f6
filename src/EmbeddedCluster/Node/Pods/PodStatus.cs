using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Writes a pod's status from what its containers do. Pure.</summary>
internal static class PodStatus
{
    /// <summary>The phase, as kubelet's getPhase finds it.</summary>
    public static string PhaseOf(PodDefinition pod, IReadOnlyList<ContainerState> containers)
    {
        int running = 0, waiting = 0, stopped = 0, succeeded = 0;
        foreach (var container in containers)
        {
            var exit = container.Record?.Exit;
            if (container.Definition.Role == ContainerRole.Init)
            {
                if (exit?.Code == 0) continue;
                return exit is not null && pod.RestartPolicy == "Never" ? "Failed" : "Pending";
            }
            if (container.Definition.Role == ContainerRole.Sidecar)
            {
                if (!container.IsStarted && container.Record is null) return "Pending";
                continue;
            }
            if (container.IsRunning) running++;
            else if (exit is null) waiting++;
            else
            {
                stopped++;
                if (exit.Code == 0) succeeded++;
            }
        }
        if (waiting > 0) return "Pending";
        if (running > 0) return "Running";
        if (pod.RestartPolicy == "Always") return "Running";
        if (stopped == succeeded) return "Succeeded";
        return pod.RestartPolicy == "Never" ? "Failed" : "Running";
    }

    /// <summary>The whole status.</summary>
    /// <param name="fields">The pod and its addresses.</param>
    /// <param name="containers">Its containers.</param>
    /// <param name="previous">The status written last, for the times of the conditions.</param>
    /// <param name="startedAt">When this node took the pod on.</param>
    /// <param name="now">The time.</param>
    public static JsonObject Build(PodFields fields, IReadOnlyList<ContainerState> containers, JsonObject previous, DateTimeOffset startedAt, DateTimeOffset now)
    {
        var pod = fields.Pod;
        var phase = PhaseOf(pod, containers);
        var status = new JsonObject
        {
            ["phase"] = phase,
            ["conditions"] = Conditions(pod, phase, containers, fields.PodAddress.Length > 0, previous, now),
            ["hostIP"] = fields.NodeAddress,
            ["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = fields.NodeAddress }),
            ["startTime"] = startedAt.ToKubernetes(),
            ["initContainerStatuses"] = new JsonArray([.. containers.Where(container => container.Definition.Role != ContainerRole.Main).Select(ContainerStatus)]),
            ["containerStatuses"] = new JsonArray([.. containers.Where(container => container.Definition.Role == ContainerRole.Main).Select(ContainerStatus)]),
        };
        if (pod.Metadata["generation"] is { } generation) status["observedGeneration"] = generation.DeepClone();
        if (fields.PodAddress.Length == 0) return status;
        status["podIP"] = fields.PodAddress;
        status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = fields.PodAddress });
        return status;
    }

    private static JsonArray Conditions(
        PodDefinition pod, string phase, IReadOnlyList<ContainerState> containers, bool hasNetwork, JsonObject previous, DateTimeOffset now)
    {
        var ended = phase is "Succeeded" or "Failed";
        var uninitialized = containers.Where(container => container.Definition.Role switch
        {
            ContainerRole.Init => !container.IsReady,
            ContainerRole.Sidecar => !container.IsStarted && !ended,
            _ => false,
        }).ToArray();
        var begun = containers.Any(container => container.Definition.Role == ContainerRole.Main && container.Record is not null);
        var initialized = begun || uninitialized.Length == 0;
        var unready = containers.Where(container => container.Definition.Role != ContainerRole.Init && !container.IsReady).ToArray();
        var containersReady = initialized && unready.Length == 0;
        var why = ended ? (phase == "Succeeded" ? "PodCompleted" : "PodFailed") : "ContainersNotReady";
        var unreadyMessage = ended ? "" : $"containers with unready status: [{string.Join(' ', unready.Select(container => container.Definition.Name))}]";
        // Conditions that others write, and the gates that the pod waits for among them.
        var foreign = pod.Status.ItemsOf("conditions").Where(condition => !IsOwn(condition.TextOf("type"))).ToArray();
        var gates = pod.Spec.ItemsOf("readinessGates").Select(gate => gate.TextOf("conditionType"));
        var closed = gates.Where(gate => !foreign.Any(condition => condition.TextOf("type") == gate && condition.TextOf("status") == "True")).ToArray();

        var written = new JsonArray();
        Add("PodReadyToStartContainers", hasNetwork && !ended, "", "");
        Add("Initialized", initialized, "ContainersNotInitialized", $"containers with incomplete status: [{string.Join(' ', uninitialized.Select(container => container.Definition.Name))}]");
        if (!containersReady) Add("Ready", false, why, unreadyMessage);
        else Add("Ready", closed.Length == 0, "ReadinessGatesNotReady", $"the status of pod readiness gate \"{closed.FirstOrDefault()}\" is not \"True\"");
        Add("ContainersReady", containersReady, why, unreadyMessage);
        Add("PodScheduled", true, "", "");
        foreach (var condition in foreign) written.Add(condition.DeepClone());
        return written;

        void Add(string type, bool holds, string reason, string message)
        {
            var text = holds ? "True" : "False";
            var before = previous.ItemsOf("conditions").Concat(pod.Status.ItemsOf("conditions")).FirstOrDefault(condition => condition.TextOf("type") == type);
            var since = before is not null && before.TextOf("status") == text ? before.TextOf("lastTransitionTime") : now.ToKubernetes();
            var condition = new JsonObject { ["type"] = type, ["status"] = text, ["lastProbeTime"] = null, ["lastTransitionTime"] = since };
            if (!holds && reason.Length > 0) condition["reason"] = reason;
            if (!holds && message.Length > 0) condition["message"] = message;
            written.Add(condition);
        }
    }

    private static bool IsOwn(string type) => type is "PodReadyToStartContainers" or "Initialized" or "Ready" or "ContainersReady" or "PodScheduled";

    private static JsonObject ContainerStatus(ContainerState container)
    {
        var record = container.Record;
        var status = new JsonObject
        {
            ["name"] = container.Definition.Name,
            ["image"] = container.Definition.Image,
            ["imageID"] = record is null ? "" : $"local://{record.Image}",
            ["ready"] = container.IsReady,
            ["started"] = container.IsStarted,
            ["restartCount"] = record?.Attempt ?? 0,
            ["state"] = State(container),
            ["lastState"] = new JsonObject(),
        };
        if (record is not null) status["containerID"] = IdOf(record);
        // While it waits for its next start, the end of the last attempt is the past already.
        var past = IsWaiting(container) && record?.Exit is { } exit ? (record, exit) : container.Previous;
        if (past is { } ended) status["lastState"] = new JsonObject { ["terminated"] = Terminated(ended.Item1, ended.Item2) };
        return status;
    }

    private static bool IsWaiting(ContainerState container) => !container.IsRunning && (container.Record is null || container.WaitingReason.Length > 0);

    private static JsonObject State(ContainerState container)
    {
        if (IsWaiting(container))
        {
            var waiting = new JsonObject { ["reason"] = container.WaitingReason.Length > 0 ? container.WaitingReason : container.Definition.Role == ContainerRole.Main ? "PodInitializing" : "ContainerCreating" };
            if (container.WaitingMessage.Length > 0) waiting["message"] = container.WaitingMessage;
            return new JsonObject { ["waiting"] = waiting };
        }
        if (container.Record is { Exit: { } exit } record) return new JsonObject { ["terminated"] = Terminated(record, exit) };
        if (!container.Record!.PostStartDone) return new JsonObject { ["waiting"] = new JsonObject { ["reason"] = "ContainerCreating" } };
        return new JsonObject { ["running"] = new JsonObject { ["startedAt"] = container.Record.StartedAt.ToKubernetes() } };
    }

    private static JsonObject Terminated(ContainerRecord record, ContainerExit exit)
    {
        var terminated = new JsonObject
        {
            ["exitCode"] = exit.Code,
            ["reason"] = exit.Reason,
            ["startedAt"] = record.StartedAt.ToKubernetes(),
            ["finishedAt"] = exit.FinishedAt.ToKubernetes(),
            ["containerID"] = IdOf(record),
        };
        if (exit.Message.Length > 0) terminated["message"] = exit.Message;
        return terminated;
    }

    /// <summary>The name of an attempt in the status.</summary>
    public static string IdOf(ContainerRecord record) => $"lateen://{record.Id}";
}
