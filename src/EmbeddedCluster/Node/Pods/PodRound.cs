namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>One look at all containers of a pod that is to run: starts what is missing, stops what is unwell. Owned by the pod's worker.</summary>
internal sealed class PodRound(NodeParts node, ContainerRunner runner, ContainerPlanner planner, PodDefinition pod, IReadOnlyList<ContainerState> containers)
{
    private static readonly TimeSpan WaitForObjects = TimeSpan.FromMilliseconds(500);

    /// <summary>Goes through the containers in their order.</summary>
    /// <param name="onProgress">Called after every start, since a pod may take a while to get up.</param>
    /// <param name="cancel">Ends the waiting for postStart hooks.</param>
    public async Task RunAsync(Action onProgress, CancellationToken cancel)
    {
        var mains = containers.Where(container => container.Definition.Role == ContainerRole.Main).ToArray();
        if (mains.All(IsDone) || HasFailedInit())
        {
            await StopSidecarsAsync(cancel);
            return;
        }
        // Init containers were done when a main one has ever been started; sidecars are looked after for ever.
        var begun = mains.Any(container => container.Record is not null);
        foreach (var container in containers.Where(container => container.Definition.Role != ContainerRole.Main))
        {
            if (container.Definition.Role == ContainerRole.Init && (begun || container.Record?.Exit?.Code == 0)) continue;
            await AdvanceAsync(container, onProgress, cancel);
            var mayGoOn = container.Definition.Role == ContainerRole.Sidecar ? container.IsStarted : container.Record?.Exit?.Code == 0;
            if (!mayGoOn && !begun) return;
        }
        foreach (var container in mains) await AdvanceAsync(container, onProgress, cancel);
    }

    private bool IsDone(ContainerState container) => container.Record?.Exit is { } exit && !IsRestarted(container, exit.Code);

    private bool HasFailedInit() => containers.Any(container => container.Definition.Role == ContainerRole.Init && container.Record?.Exit is { } exit && exit.Code != 0 && !IsRestarted(container, exit.Code));

    private bool IsRestarted(ContainerState container, int code) => container.Definition.Role switch
    {
        ContainerRole.Sidecar => true,
        ContainerRole.Init => code != 0 && pod.RestartPolicy != "Never",
        _ => pod.RestartPolicy == "Always" || pod.RestartPolicy == "OnFailure" && code != 0,
    };

    private async Task AdvanceAsync(ContainerState container, Action onProgress, CancellationToken cancel)
    {
        var now = node.Time.GetUtcNow();
        if (container.IsRunning)
        {
            runner.ContinueProbes(container);
            if (container.Stopping is null && Complaint(container) is { } complaint) container.Stopping = runner.StopAsync(container, pod.Grace, complaint, cancel);
            return;
        }
        if (container.Record?.Exit is { } exit)
        {
            if (!IsRestarted(container, exit.Code)) return;
            // Once for every end; the times are kept with the container.
            if (container.RetryAt < exit.FinishedAt) runner.BackOff(container);
        }
        if (container.RetryAt > now) return;
        if (!node.Objects.HasSynced)
        {
            container.RetryAt = now + WaitForObjects;
            return;
        }
        await runner.StartAsync(container, planner, cancel);
        onProgress();
    }

    private static string? Complaint(ContainerState container)
    {
        var name = container.Definition.Name;
        if (container.Startup is { Failed: true }) return $"Container {name} failed startup probe, will be restarted";
        if (container.Liveness is { Failed: true }) return $"Container {name} failed liveness probe, will be restarted";
        return container.Record!.SpecHash != container.Definition.Hash ? $"Container {name} definition changed, will be restarted" : null;
    }

    private async Task StopSidecarsAsync(CancellationToken cancel)
    {
        foreach (var sidecar in containers.Where(container => container.IsRunning).Reverse())
            await (sidecar.Stopping ??= runner.StopAsync(sidecar, pod.Grace, $"Stopping container {sidecar.Definition.Name}", cancel));
        foreach (var container in containers) runner.TryFinish(container);
    }
}
