namespace Lateen.Pilot.Serving;

/// <summary>What Pilot is started with. Immutable.</summary>
internal sealed record PilotOptions
{
    /// <summary>Where services come from: <c>Kubernetes</c> is the API server; <c>Mock</c> is none but the files.</summary>
    public IReadOnlyList<string> Registries { get; init; } = ["Kubernetes"];

    public string? Kubeconfig { get; init; }

    /// <summary>A folder of Istio's objects, which takes the place of the API server's.</summary>
    public string? ConfigFolder { get; init; }

    /// <summary>A folder of Kubernetes' own objects: services, endpoints, pods, nodes.</summary>
    public string? KubeObjectsFolder { get; init; }

    public string? MeshConfigFile { get; init; }
    public string Domain { get; init; } = "cluster.local";

    /// <summary>The one namespace of which objects count; empty for all.</summary>
    public string Namespace { get; init; } = "";

    public string GrpcAddress { get; init; } = ":15010";

    /// <summary>xDS over TLS; empty for none.</summary>
    public string SecureGrpcAddress { get; init; } = "";

    /// <summary>Whether the operator named the address: only then must it be free.</summary>
    public bool RequiresSecureGrpc { get; init; }

    public string? CertificateFile { get; init; }
    public string? KeyFile { get; init; }

    /// <summary>Authorities of the proxies' certificates; null asks for none.</summary>
    public string? AuthorityFile { get; init; }

    public string HttpAddress { get; init; } = ":8080";
    public string MonitoringAddress { get; init; } = ":15014";
    public TimeSpan DebounceAfter { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan DebounceMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether anything comes from an API server: not when files take its place, unless one is named beside them.</summary>
    public bool UsesApiServer => Registries.Contains("Kubernetes") && (Kubeconfig != null || KubeObjectsFolder == null);
}
