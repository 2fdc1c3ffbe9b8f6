using Lateen.Foundation.Logging;

namespace Lateen.Proxy;

/// <summary>What a proxy is started with.</summary>
public sealed record ProxyOptions
{
    /// <summary>The bootstrap, YAML or JSON (envoy.config.bootstrap.v3.Bootstrap).</summary>
    public required string Bootstrap { get; init; }

    /// <summary>Name of the bootstrap in errors.</summary>
    public string BootstrapFile { get; init; } = "bootstrap";

    /// <summary>Number of workers; 0 for one for each processor.</summary>
    public int Concurrency { get; init; }

    /// <summary>How long connections of a removed listener may go on.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Overrides node.id of the bootstrap when not empty.</summary>
    public string NodeId { get; init; } = "";

    /// <summary>Overrides node.cluster of the bootstrap when not empty.</summary>
    public string NodeCluster { get; init; } = "";

    /// <summary>Levels that an administrator may change; null when the logs have none to change.</summary>
    public LogLevels? Levels { get; init; }

    /// <summary>Shown by the admin pages.</summary>
    public int RestartEpoch { get; init; }
}
