namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>A file or folder of the pod that a container sees at a place of its own.</summary>
/// <param name="Source">Absolute path on this machine.</param>
/// <param name="Target">Absolute path in the container.</param>
/// <param name="ReadOnly">Whether the container may not write there.</param>
internal sealed record ContainerMount(string Source, string Target, bool ReadOnly);

/// <summary>All that is needed to start a container; nothing in it is looked up later. Immutable.</summary>
internal sealed record ContainerPlan
{
    /// <summary>Folder of this attempt, for the record, the log and the exit status.</summary>
    public required string Folder { get; init; }

    /// <summary>The pod's network namespace; empty where there are no namespaces.</summary>
    public required string NetworkNamespacePath { get; init; }

    /// <summary>Whether the container has namespaces of its own, and with them a user, files and a network.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool HasNamespaces => NetworkNamespacePath.Length > 0;

    /// <summary>The pod's host name.</summary>
    public required string HostName { get; init; }

    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The whole environment.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Where the program starts.</summary>
    public required string WorkingDir { get; init; }

    /// <summary>User id.</summary>
    public required int User { get; init; }

    /// <summary>Group id.</summary>
    public required int Group { get; init; }

    /// <summary>Further group ids.</summary>
    public IReadOnlyList<int> SupplementalGroups { get; init; } = [];

    /// <summary>The pod's volumes.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>Files that replace the machine's: path to text, as <c>/etc/resolv.conf</c>.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    /// <summary>Symbolic links: path to target.</summary>
    public IReadOnlyDictionary<string, string> Links { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether what is typed at <c>kubectl attach -i</c> reaches the program.</summary>
    public bool KeepsStandardInput { get; init; }
}
