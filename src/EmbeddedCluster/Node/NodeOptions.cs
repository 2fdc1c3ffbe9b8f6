using Lateen.EmbeddedCluster.Node.Network;

namespace Lateen.EmbeddedCluster.Node;

/// <summary>How the node runs. Immutable.</summary>
public sealed record NodeOptions
{
    /// <summary>The node's name in the cluster.</summary>
    public required string Name { get; init; }

    /// <summary>Folder for pods, logs and records; kept over restarts.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Finds the API server and proves who asks.</summary>
    public required string Kubeconfig { get; init; }

    /// <summary>The node's addresses and names.</summary>
    public required NodeNetworkOptions Network { get; init; }

    /// <summary>Image map files; the first that knows an image wins.</summary>
    public IReadOnlyList<string> ImageFiles { get; init; } = [];

    /// <summary>Domain of the cluster's names.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>The network namespace from which the machine's resolvers are reached; null for this process's own.</summary>
    public string? UpstreamNetworkNamespacePath { get; init; }

    /// <summary>Port of the kubelet's HTTP interface.</summary>
    public int Port { get; init; } = 10250;
}
