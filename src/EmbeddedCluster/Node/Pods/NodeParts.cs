using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Images;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.EmbeddedCluster.Node.Probes;
using Lateen.EmbeddedCluster.Node.Volumes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>What all pods of the node share. Immutable; each part says which threads may use it.</summary>
internal sealed record NodeParts(
    NodeOptions Options,
    NodeNetwork Network,
    AddressPool Addresses,
    KubeClient Client,
    ClusterObjects Objects,
    TokenSource Tokens,
    ImageCatalog Images,
    ContainerActions Actions,
    ProcessExits Exits,
    LogKeeper Logs,
    EventRecorder Events,
    NodeCapacity Capacity,
    TimeProvider Time,
    ILogger Log)
{
    /// <summary>The folder of a pod.</summary>
    public string FolderOf(string uid) => $"{Options.StateFolder}/pods/{uid}";
}
