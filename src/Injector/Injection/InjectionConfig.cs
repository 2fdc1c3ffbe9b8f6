using System.Text.Json.Nodes;

namespace Lateen.Injector.Injection;

/// <summary>What the injector puts into pods: the values of Istio's chart that matter for a sidecar. Immutable.</summary>
public sealed record InjectionConfig
{
    /// <summary>Image of init container and sidecar.</summary>
    public string ProxyImage { get; init; } = "docker.io/istio/proxyv2:1.1.17";

    /// <summary>Domain behind a pod's namespace and "svc".</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Name of the cluster in multi-cluster set-ups.</summary>
    public string ClusterId { get; init; } = "Kubernetes";

    /// <summary>Trust domain, and the mesh's id when none is given.</summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Level of the proxy's log.</summary>
    public string ProxyLogLevel { get; init; } = "warning";

    /// <summary>Port of pilot-agent: readiness, merged metrics.</summary>
    public int StatusPort { get; init; } = 15020;

    /// <summary>Address ranges whose outbound traffic is captured.</summary>
    public string IncludeOutboundRanges { get; init; } = "*";

    /// <summary>Address ranges whose outbound traffic is not captured.</summary>
    public string ExcludeOutboundRanges { get; init; } = "";

    /// <summary>
    /// Port at which a sidecar that captures nothing takes requests to a proxy; applications are told it by HTTP_PROXY. Only for pods
    /// whose interception mode is NONE; 0 tells them nothing.
    /// </summary>
    public int ApplicationProxyPort { get; init; }

    /// <summary>Inbound ports that are not captured, beside the sidecar's own.</summary>
    public string ExcludeInboundPorts { get; init; } = "";

    /// <summary>meshConfig.defaultConfig as JSON: what pilot-agent gets in PROXY_CONFIG.</summary>
    public JsonObject DefaultProxyConfig { get; init; } = [];

    /// <summary>Whether pods that say nothing themselves get a sidecar.</summary>
    public bool EnabledByDefault { get; init; } = true;

    /// <summary>Namespaces that never get sidecars.</summary>
    public IReadOnlySet<string> IgnoredNamespaces { get; init; } = new HashSet<string> { "kube-system", "kube-public", "kube-node-lease", "local-path-storage" };
}
