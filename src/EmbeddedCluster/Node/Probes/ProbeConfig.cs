using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Probes;

/// <summary>One question that is asked of a container again and again (Probe of core/v1). Immutable.</summary>
internal sealed record ProbeConfig
{
    /// <summary>The probe's object, for its action.</summary>
    public required JsonObject Action { get; init; }

    /// <summary>Wait after the container's start.</summary>
    public required TimeSpan InitialDelay { get; init; }

    /// <summary>Time from one question to the next.</summary>
    public required TimeSpan Period { get; init; }

    /// <summary>An answer must come within this.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>So many successes in a row turn a failure into a success.</summary>
    public required int SuccessThreshold { get; init; }

    /// <summary>So many failures in a row turn a success into a failure.</summary>
    public required int FailureThreshold { get; init; }

    /// <summary>Reads a probe with Kubernetes' defaults.</summary>
    public static ProbeConfig Read(JsonObject probe) => new()
    {
        Action = probe,
        InitialDelay = TimeSpan.FromSeconds(probe.NumberOf("initialDelaySeconds") ?? 0),
        Period = TimeSpan.FromSeconds(Math.Max(1, probe.NumberOf("periodSeconds") ?? 10)),
        Timeout = TimeSpan.FromSeconds(Math.Max(1, probe.NumberOf("timeoutSeconds") ?? 1)),
        SuccessThreshold = Math.Max(1, probe.NumberOf("successThreshold") ?? 1),
        FailureThreshold = Math.Max(1, probe.NumberOf("failureThreshold") ?? 3),
    };
}

/// <summary>An answer to a probe.</summary>
/// <param name="Success">Whether it was good.</param>
/// <param name="Message">Why not.</param>
internal readonly record struct ProbeOutcome(bool Success, string Message);
