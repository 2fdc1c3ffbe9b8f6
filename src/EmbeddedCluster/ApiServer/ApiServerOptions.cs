using System.Net;

namespace Lateen.EmbeddedCluster.ApiServer;

/// <summary>Flags of the API server. Immutable.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Folder of the state and the keys.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Address to listen on.</summary>
    public IPAddress BindAddress { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen on, 0 for any.</summary>
    public int SecurePort { get; init; } = 6443;

    /// <summary>Address under which clients and the service "kubernetes" reach the server; null for the one it listens on.</summary>
    public IPAddress? AdvertiseAddress { get; init; }

    /// <summary>Cluster addresses of services, in CIDR form.</summary>
    public string ServiceRange { get; init; } = "10.96.0.0/16";

    /// <summary>File to write the administrator's kubeconfig to, null for none.</summary>
    public string? KubeconfigOut { get; init; }

    /// <summary>More names and addresses for the server's certificate.</summary>
    public IReadOnlyList<string> ExtraNames { get; init; } = [];

    /// <summary>Server URL in the kubeconfig, null for the advertised address.</summary>
    public string? KubeconfigServer { get; init; }

    /// <summary>Namespaces to make beside the cluster's own.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Address that services of type LoadBalancer get.</summary>
    public string LoadBalancerAddress { get; init; } = "127.0.0.1";

    /// <summary>Run the controllers in this process.</summary>
    public bool Controllers { get; init; } = true;
}
