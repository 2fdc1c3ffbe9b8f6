using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Probes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>A container over all its attempts. Owned by one pod's worker.</summary>
internal sealed class ContainerState(ContainerDefinition definition)
{
    /// <summary>The specification, the newest.</summary>
    public ContainerDefinition Definition { get; set; } = definition;

    /// <summary>The last attempt, or null before the first.</summary>
    public ContainerRecord? Record { get; set; }

    /// <summary>How the last attempt was started.</summary>
    public ContainerPlan? Plan { get; set; }

    /// <summary>How the attempt before the last one ended.</summary>
    public (ContainerRecord Record, ContainerExit Exit)? Previous { get; set; }

    /// <summary>Why it does not run yet, in Kubernetes' word; empty when there is no reason but time.</summary>
    public string WaitingReason { get; set; } = "";

    /// <summary>The same in a sentence.</summary>
    public string WaitingMessage { get; set; } = "";

    /// <summary>Not to be started before this.</summary>
    public DateTimeOffset RetryAt { get; set; }

    /// <summary>How long the next wait after a crash is; zero before the first crash.</summary>
    public TimeSpan BackOff { get; set; }

    /// <summary>The stop that is under way, or null.</summary>
    public Task? Stopping { get; set; }

    /// <summary>The status that an earlier runtime told of it, while it is taken over; empty otherwise.</summary>
    public JsonObject Told { get; set; } = [];

    /// <summary>The startup probe, while the container runs and has one.</summary>
    public ProbeLoop? Startup { get; set; }

    /// <summary>The liveness probe, from when it is asked.</summary>
    public ProbeLoop? Liveness { get; set; }

    /// <summary>The readiness probe, from when it is asked.</summary>
    public ProbeLoop? Readiness { get; set; }

    /// <summary>Ends the probes.</summary>
    public CancellationTokenSource? Probing { get; set; }

    /// <summary>Whether its process runs, as far as this worker has heard.</summary>
    public bool IsRunning => Record is { Process: not null, Exit: null };

    /// <summary>Whether it runs and its start is over: postStart hook and startup probe.</summary>
    public bool IsStarted => IsRunning && Record!.PostStartDone && (Definition.Startup is null || Startup is { Succeeded: true });

    /// <summary>Whether it may get work; an init container when it is done.</summary>
    public bool IsReady => Definition.Role == ContainerRole.Init
        ? Record?.Exit?.Code == 0
        : IsStarted && (Definition.Readiness is null || Readiness is { Succeeded: true });
}
