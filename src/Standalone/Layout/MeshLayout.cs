using System.Security.Cryptography;
using System.Text;

namespace Lateen.Standalone.Layout;

/// <summary>Where one mesh lives on this machine: its folder, names, addresses and ports. Immutable.</summary>
/// <param name="StateFolder">Absolute path; two meshes have different ones.</param>
/// <param name="PortBase">First of the loopback ports.</param>
/// <param name="LoopbackNetwork">
/// The two bytes, as 127.100, with which the addresses of a mesh without network namespaces begin; empty where it has them.
/// </param>
public sealed record MeshLayout(string StateFolder, int PortBase, string LoopbackNetwork = "")
{
    /// <summary>Ports of a mesh that is not told otherwise begin here.</summary>
    public const int DefaultPortBase = 8000;

    /// <summary>Port at which sidecars take requests to a proxy, where nothing is captured.</summary>
    public const int ApplicationProxyPort = 15002;

    /// <summary>Range of service addresses.</summary>
    public const string ServiceRange = "10.96.0.0/16";

    /// <summary>Address of the cluster's name server.</summary>
    public const string DnsAddress = "10.96.0.10";

    /// <summary>Service address of the ingress gateway.</summary>
    public const string GatewayAddress = "10.96.0.80";

    /// <summary>Port of the API server on the node.</summary>
    public const int ApiPort = 6443;

    /// <summary>Port of the injection webhook on the node.</summary>
    public const int InjectorPort = 9443;

    /// <summary>Port of the validation webhook on the node.</summary>
    public const int GalleyPort = 9444;

    /// <summary>Port of the validation webhook on the node.</summary>
    public const int ValidatorPort = 9444;

    /// <summary>Whether the mesh has network namespaces and captures traffic.</summary>
    public bool HasNamespaces => LoopbackNetwork.Length == 0;

    /// <summary>What `status` and `--capture` call the way in which sidecars get their traffic.</summary>
    public string Capture => HasNamespaces ? "namespaces" : "proxy";

    /// <summary>Address of the node: on its bridge, in a network of the mesh's own, or on loopback.</summary>
    public string NodeAddress => HasNamespaces ? "10.244.0.1" : LoopbackNetwork + ".0.1";

    /// <summary>Where the control plane's servers listen: anywhere in the mesh's own network, or at the node's loopback address.</summary>
    public string BindAddress => HasNamespaces ? "" : NodeAddress;

    /// <summary>host:port of Pilot as sidecars call it; without namespaces there is no name server to ask.</summary>
    public string DiscoveryAddress => HasNamespaces ? "istio-pilot.istio-system.svc:15010" : NodeAddress + ":15010";

    /// <summary>The folder of a user who names none.</summary>
    public static string DefaultStateFolder => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".lateen", "mesh");

    /// <summary>Names of the mesh's network namespaces start with this; derived from the folder, and short enough for the kernel.</summary>
    public string NamespacePrefix => "lateen-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(StateFolder)))[..8];

    /// <summary>Loopback port of the gateway's port 80.</summary>
    public int HttpPort => PortBase + 80;

    /// <summary>Loopback port of the gateway's port 443.</summary>
    public int HttpsPort => PortBase + 443;

    /// <summary>Loopback port of the API server.</summary>
    public int ApiServerPort => PortBase + 643;

    /// <summary>kubeconfig for users, by the loopback port.</summary>
    public string Kubeconfig => Path.Combine(StateFolder, "kubeconfig");

    /// <summary>kubeconfig for the mesh's own processes, by the node's address.</summary>
    public string ClusterKubeconfig => Path.Combine(StateFolder, "cluster.kubeconfig");

    /// <summary>Which processes run, written by the supervisor.</summary>
    public string ProcessesFile => Path.Combine(StateFolder, "processes.json");

    /// <summary>What `up` was asked for, read by the supervisor.</summary>
    public string RequestFile => Path.Combine(StateFolder, "request.json");

    /// <summary>Which user namespace the mesh is in, where its user is not root.</summary>
    public string UserNamespaceFile => Path.Combine(StateFolder, "userns");

    /// <summary>Log files of the processes.</summary>
    public string Logs => Path.Combine(StateFolder, "logs");

    /// <summary>Certificates of the webhooks.</summary>
    public string Certificates => Path.Combine(StateFolder, "certs");

    /// <summary>The node's pods.</summary>
    public string Node => Path.Combine(StateFolder, "node");
}
