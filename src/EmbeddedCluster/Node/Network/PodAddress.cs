namespace Lateen.EmbeddedCluster.Node.Network;

/// <summary>A pod's place in the node's network, kept on disk. Immutable.</summary>
/// <param name="Index">Number of the pod on this node; names its namespace and its link.</param>
/// <param name="Address">IPv4 address.</param>
internal sealed record PodAddress(int Index, string Address);
