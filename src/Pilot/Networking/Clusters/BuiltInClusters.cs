using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>The clusters that every proxy has: nowhere, and wherever the client wanted to go.</summary>
internal static class BuiltInClusters
{
    /// <summary>The address from which a sidecar calls its own application, by which the capture rules know such a call.</summary>
    public const string InboundSource = "127.0.0.6";

    public static Cluster BlackHole(MeshSettings mesh) => new()
    {
        Name = ClusterName.BlackHole,
        AltStatName = ClusterName.BlackHole + ";",
        Type = Cluster.Types.DiscoveryType.Static,
        ConnectTimeout = mesh.ConnectTimeout,
        LbPolicy = Cluster.Types.LbPolicy.RoundRobin,
    };

    public static Cluster Passthrough(MeshSettings mesh) => OriginalDestination(mesh, ClusterName.Passthrough);

    public static Cluster InboundPassthrough(MeshSettings mesh)
    {
        var cluster = OriginalDestination(mesh, ClusterName.InboundPassthrough);
        cluster.UpstreamBindConfig = SourceAddress();
        return cluster;
    }

    public static BindConfig SourceAddress() => new() { SourceAddress = new() { Address = InboundSource, PortValue = 0 } };

    private static Cluster OriginalDestination(MeshSettings mesh, string name)
    {
        var cluster = new Cluster
        {
            Name = name,
            // parity: pilot/pkg/networking/core/cluster_builder.go#buildDefaultPassthroughCluster: both have one name in statistics
            AltStatName = ClusterName.Passthrough + ";",
            Type = Cluster.Types.DiscoveryType.OriginalDst,
            ConnectTimeout = mesh.ConnectTimeout,
            LbPolicy = Cluster.Types.LbPolicy.ClusterProvided,
            CircuitBreakers = ConnectionPools.Unlimited(),
        };
        ConnectionPools.FollowClient(cluster, mesh);
        return cluster;
    }
}
