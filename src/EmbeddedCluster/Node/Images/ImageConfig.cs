namespace Lateen.EmbeddedCluster.Node.Images;

/// <summary>What stands in for a container image: a program of this machine. Immutable.</summary>
public sealed record ImageConfig
{
    /// <summary>The program and its first arguments: the image's entry point. Never empty.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Arguments that a container without <c>command</c> and <c>args</c> adds: the image's CMD.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Where the program starts unless the container says so; the root folder by default.</summary>
    public string WorkingDir { get; init; } = "/";

    /// <summary>Environment variables that the container's own may replace.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary>Symbolic links that the image's file system has: path to target, as <c>/usr/local/bin/pilot-agent</c>.</summary>
    public IReadOnlyDictionary<string, string> Links { get; init; } = new Dictionary<string, string>();

    /// <summary>The user id that the program runs as unless the pod says so.</summary>
    public int User { get; init; }
}
