using System.Globalization;
using System.Text.Json;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Images;
using Lateen.EmbeddedCluster.Node.Probes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Starts, takes over, watches and stops the containers of one pod. Owned by the pod's worker.</summary>
internal sealed class ContainerRunner(NodeParts node, string podFolder, Func<PodFields> fields, Action wake)
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10), LongestBackOff = TimeSpan.FromMinutes(5), CalmAfter = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ShortestStop = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Finds a container that an earlier runtime started. What that one's probes found holds: a pod that serves is not taken out of service
    /// because the runtime was started anew. Source: Kubernetes pkg/kubelet/prober/worker.go, which does the same.
    /// </summary>
    public void Adopt(ContainerState container)
    {
        var attempts = ContainerFolder.Attempts(podFolder, container.Definition.Name);
        if (attempts.Count == 0) return;
        container.Record = NodeJson.TryRead(attempts[^1].Record, NodeJson.Default.ContainerRecord);
        container.Plan = NodeJson.TryRead(attempts[^1].Plan, NodeJson.Default.ContainerPlan);
        if (attempts.Count > 1 && NodeJson.TryRead(attempts[^2].Record, NodeJson.Default.ContainerRecord) is { Exit: { } exit } previous) container.Previous = (previous, exit);
        if (container.Record is not { Exit: null } record) return;
        if (record.Process is null)
        {
            // The runtime was killed in the middle of a start: what there may be of it was taken away with the strays.
            Finish(container, new ContainerExit(137, "Error", "the node's runtime was stopped while it started the container", node.Time.GetUtcNow()));
            return;
        }
        node.Logs.Add(attempts[^1]);
        Watch(record.Process);
        if (!record.Process.IsAlive) return;
        container.Told = fields().Pod.Status.ItemsOf("containerStatuses").FirstOrDefault(status => status.TextOf("containerID") == PodStatus.IdOf(record)) ?? [];
        StartProbes(container);
        container.Told = [];
    }

    /// <summary>Starts the next attempt, or notes why it cannot be started.</summary>
    public async Task StartAsync(ContainerState container, ContainerPlanner planner, CancellationToken cancel)
    {
        var (pod, definition) = (fields().Pod, container.Definition);
        if (FindImage(container, pod) is not { } image) return;
        var attempt = container.Record is { } last ? last.Attempt + 1 : 0;
        var folder = ContainerFolder.Of(podFolder, definition.Name, attempt);
        try
        {
            var plan = planner.Plan(definition, image, folder);
            var record = new ContainerRecord
            {
                Id = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)),
                Name = definition.Name,
                Image = definition.Image,
                Attempt = attempt,
                StartedAt = node.Time.GetUtcNow(),
                SpecHash = definition.Hash,
            };
            // The launcher makes the folder; the record goes into it as soon as the process is known. A kill in between is seen by Adopt.
            node.Events.Record(pod, "Normal", "Created", $"Created container: {definition.Name}", definition);
            plan = WithTerminationLog(plan, definition);
            folder.Create(plan.KeepsStandardInput);
            if (plan.Mounts.Any(mount => mount.Source == folder.TerminationMessage)) File.WriteAllText(folder.TerminationMessage, "");
            File.WriteAllText(folder.Plan, "");
            File.SetUnixFileMode(folder.Plan, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await File.WriteAllBytesAsync(folder.Plan, JsonSerializer.SerializeToUtf8Bytes(plan, NodeJson.Default.ContainerPlan), cancel);
            NodeJson.Write(folder.Record, record, NodeJson.Default.ContainerRecord);
            if (container.Record is { Exit: { } exit } ended) container.Previous = (ended, exit);
            container.Record = record;
            container.Plan = plan;
            container.Record = record with { Process = await ContainerLauncher.StartAsync(plan), PostStartDone = definition.PostStart is null };
            NodeJson.Write(folder.Record, container.Record, NodeJson.Default.ContainerRecord);
        }
        catch (ContainerConfigException problem)
        {
            Wait(container, "CreateContainerConfigError", problem.Message, TimeSpan.FromSeconds(2));
            node.Events.Record(pod, "Warning", "Failed", $"Error: {problem.Message}", definition);
            return;
        }
        catch (IOException problem)
        {
            node.Events.Record(pod, "Warning", "Failed", $"Error: {problem.Message}", definition);
            if (container.Record?.Attempt == attempt) Finish(container, new ContainerExit(128, "StartError", problem.Message, node.Time.GetUtcNow()));
            else Wait(container, "CreateContainerError", problem.Message, FirstBackOff);
            return;
        }
        (container.WaitingReason, container.WaitingMessage) = ("", "");
        node.Events.Record(pod, "Normal", "Started", $"Started container {definition.Name}", definition);
        node.Logs.Add(folder);
        Watch(container.Record.Process!);
        DropOldAttempts(definition.Name);
        if (definition.PostStart is not null) await RunPostStartAsync(container, cancel);
        StartProbes(container);
    }

    /// <summary>Notes the end of a container whose process has ended.</summary>
    /// <returns>False when it still runs.</returns>
    public bool TryFinish(ContainerState container)
    {
        if (!container.IsRunning || container.Record!.Process!.IsAlive) return false;
        var folder = ContainerFolder.Of(podFolder, container.Definition.Name, container.Record.Attempt);
        var code = folder.TryReadExitCode();
        var finished = code is not null && File.Exists(folder.ExitCode) ? new DateTimeOffset(File.GetLastWriteTimeUtc(folder.ExitCode), TimeSpan.Zero) : node.Time.GetUtcNow();
        Finish(container, new ContainerExit(code ?? 137, code == 0 ? "Completed" : "Error", folder.ReadTerminationMessage(), finished));
        return true;
    }

    /// <summary>Sets the time of the next start after an end: at once after the first, later and later after more.</summary>
    public void BackOff(ContainerState container)
    {
        var exit = container.Record!.Exit!;
        if (exit.FinishedAt - container.Record.StartedAt > CalmAfter) container.BackOff = TimeSpan.Zero;
        container.RetryAt = exit.FinishedAt + container.BackOff;
        if (container.BackOff > TimeSpan.Zero)
        {
            var seconds = container.BackOff.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
            container.WaitingReason = "CrashLoopBackOff";
            container.WaitingMessage = $"back-off {seconds}s restarting failed container={container.Definition.Name} pod={fields().Pod.Name}_{fields().Pod.Namespace}({fields().Pod.Uid})";
            node.Events.Record(fields().Pod, "Warning", "BackOff", $"Back-off restarting failed container {container.Definition.Name} in pod {fields().Pod.Name}_{fields().Pod.Namespace}({fields().Pod.Uid})", container.Definition);
        }
        container.BackOff = container.BackOff == TimeSpan.Zero ? FirstBackOff : container.BackOff * 2 < LongestBackOff ? container.BackOff * 2 : LongestBackOff;
    }

    /// <summary>Stops a container: preStop hook, SIGTERM, and SIGKILL after the grace period.</summary>
    /// <param name="container">A running one.</param>
    /// <param name="grace">For hook and program together.</param>
    /// <param name="why">For the event.</param>
    /// <param name="hurry">Ends the grace period early.</param>
    public async Task StopAsync(ContainerState container, TimeSpan grace, string why, CancellationToken hurry)
    {
        var process = container.Record!.Process!;
        node.Events.Record(fields().Pod, "Normal", "Killing", why, container.Definition);
        container.Probing?.Cancel();
        var exited = node.Exits.WhenExited(process);
        var deadline = node.Time.GetUtcNow() + grace;
        try
        {
            if (container.Definition.PreStop is { } hook && container.Plan is not null)
            {
                var outcome = await node.Actions.RunAsync(hook, TargetOf(container), grace, hurry);
                if (!outcome.Success) node.Events.Record(fields().Pod, "Warning", "FailedPreStopHook", outcome.Message, container.Definition);
            }
            process.Signal(Posix.SigTerm);
            var left = deadline - node.Time.GetUtcNow();
            await exited.WaitAsync(left > ShortestStop || grace <= ShortestStop ? Max(left, TimeSpan.Zero) : ShortestStop, node.Time, hurry);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            // The kernel ends a process namespace with its first process; a session it does not.
            process.Signal(Posix.SigKill, wholeGroup: container.Plan is { HasNamespaces: false });
            await exited;
        }
    }

    /// <summary>Starts the liveness and readiness probes once the startup probe has said yes.</summary>
    public void ContinueProbes(ContainerState container)
    {
        if (!container.IsRunning || container.Probing is null || container.Liveness is not null || container.Readiness is not null) return;
        if (container.Definition.Startup is not null && container.Startup is not { Succeeded: true }) return;
        if (container.Definition.Liveness is { } liveness) container.Liveness = Run(container, liveness, "Liveness");
        if (container.Definition.Readiness is { } readiness) container.Readiness = Run(container, readiness, "Readiness");
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void Finish(ContainerState container, ContainerExit exit)
    {
        container.Probing?.Cancel();
        (container.Startup, container.Liveness, container.Readiness, container.Probing) = (null, null, null, null);
        container.Record = container.Record! with { Exit = exit };
        var folder = ContainerFolder.Of(podFolder, container.Definition.Name, container.Record.Attempt);
        node.Logs.Remove(folder);
        NodeJson.Write(folder.Record, container.Record, NodeJson.Default.ContainerRecord);
    }

    private ImageConfig? FindImage(ContainerState container, PodDefinition pod)
    {
        var image = container.Definition.Image;
        string problem;
        try
        {
            if (node.Images.Find(image) is { } found)
            {
                if (container.WaitingReason != "CrashLoopBackOff")
                    node.Events.Record(pod, "Normal", "Pulled", $"Container image \"{image}\" already present on machine", container.Definition);
                return found;
            }
            problem = $"no entry of the image map names it. Images are programs of this machine here: add 'images: {{\"{image}\": {{command: [PROGRAM, ARGUMENT]}}}}' to a file given with 'lateen up --images FILE'";
        }
        catch (Exception unreadable) when (unreadable is FormatException or IOException)
        {
            problem = unreadable.Message;
        }
        var message = $"Failed to pull image \"{image}\": {problem}";
        Wait(container, "ErrImagePull", message, FirstBackOff);
        node.Events.Record(pod, "Warning", "Failed", message, container.Definition);
        return null;
    }

    private void Wait(ContainerState container, string reason, string message, TimeSpan time)
    {
        (container.WaitingReason, container.WaitingMessage) = (reason, message);
        container.RetryAt = node.Time.GetUtcNow() + time;
    }

    private void Watch(ProcessIdentity process) => node.Exits.WhenExited(process).ContinueWith(_ => wake(), TaskScheduler.Default);

    private ActionTarget TargetOf(ContainerState container) => new(container.Definition, container.Plan!, container.Record!.Process!, fields().PodAddress);

    // The last two attempts are kept: "kubectl logs --previous" shows the one before the last.
    private void DropOldAttempts(string name)
    {
        foreach (var old in ContainerFolder.Attempts(podFolder, name).SkipLast(2)) Directory.Delete(old.Path, recursive: true);
    }

    private static ContainerPlan WithTerminationLog(ContainerPlan plan, ContainerDefinition definition)
    {
        var path = definition.Json.TextOf("terminationMessagePath") is { Length: > 0 } given ? given : "/dev/termination-log";
        return plan with { Mounts = [.. plan.Mounts, new ContainerMount(new ContainerFolder(plan.Folder).TerminationMessage, path, false)] };
    }

    private async Task RunPostStartAsync(ContainerState container, CancellationToken cancel)
    {
        var outcome = await node.Actions.RunAsync(container.Definition.PostStart!, TargetOf(container), TimeSpan.FromMinutes(10), cancel);
        if (outcome.Success)
        {
            container.Record = container.Record! with { PostStartDone = true };
            NodeJson.Write(ContainerFolder.Of(podFolder, container.Definition.Name, container.Record.Attempt).Record, container.Record, NodeJson.Default.ContainerRecord);
            return;
        }
        node.Events.Record(fields().Pod, "Warning", "FailedPostStartHook", outcome.Message, container.Definition);
        container.Stopping = StopAsync(container, fields().Pod.Grace, "FailedPostStartHook", cancel);
    }

    private void StartProbes(ContainerState container)
    {
        if (!container.IsRunning) return;
        container.Probing = new CancellationTokenSource();
        if (container.Definition.Startup is { } startup) container.Startup = Run(container, startup, "Startup", untilSuccess: true);
        ContinueProbes(container);
    }

    private ProbeLoop Run(ContainerState container, System.Text.Json.Nodes.JsonObject probe, string kind, bool untilSuccess = false)
    {
        var (config, target, pod) = (ProbeConfig.Read(probe), TargetOf(container), fields().Pod);
        var probing = CancellationTokenSource.CreateLinkedTokenSource(container.Probing!.Token);
        var loop = new ProbeLoop(
            config,
            cancel => node.Actions.RunAsync(config.Action, target, config.Timeout, cancel),
            changed =>
            {
                if (changed.Succeeded && untilSuccess) probing.Cancel();
                wake();
            },
            message => node.Events.Record(pod, "Warning", "Unhealthy", $"{kind} probe failed: {message}", container.Definition),
            hurries: kind != "Liveness",
            succeededBefore: kind == "Readiness" && container.Told.FlagOf("ready") || kind == "Startup" && container.Told.FlagOf("started"));
        // A start that is over is not judged again.
        if (untilSuccess && loop.Succeeded) return loop;
        _ = loop.RunAsync(node.Time.GetUtcNow() - container.Record!.StartedAt, node.Time, probing.Token);
        return loop;
    }
}
