using Google.Protobuf.WellKnownTypes;
using Istio.Mesh.V1Alpha1;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Push;

/// <summary>The mesh's configuration with its defaults filled in. Immutable; replaced when it changes.</summary>
internal sealed class MeshSettings
{
    public const string DefaultRootNamespace = "istio-system";

    public MeshSettings(MeshConfig config, string domain)
    {
        (Config, Domain) = (config, domain);
        RootNamespace = config.RootNamespace.Length > 0 ? config.RootNamespace : DefaultRootNamespace;
        ConnectTimeout = config.ConnectTimeout ?? Duration.FromTimeSpan(TimeSpan.FromSeconds(10));
        DnsRefreshRate = config.DnsRefreshRate ?? Duration.FromTimeSpan(TimeSpan.FromSeconds(60));
        ProtocolDetectionTimeout = config.ProtocolDetectionTimeout ?? new Duration();
        OutboundPort = config.ProxyListenPort > 0 ? (uint)config.ProxyListenPort : 15001;
        InboundPort = config.ProxyInboundListenPort > 0 ? (uint)config.ProxyInboundListenPort : 15006;
        AllowsAny = config.OutboundTrafficPolicy is not { Mode: MeshConfig.Types.OutboundTrafficPolicy.Types.Mode.RegistryOnly };
        LocalityFailover = config.LocalityLbSetting is not { Enabled: false };
    }

    public MeshConfig Config { get; }

    /// <summary>What was generated from these settings and nothing that lives shorter. Any thread.</summary>
    public GeneratedCache Generated { get; } = new(GeneratedCache.ScopeBound);

    /// <summary>The DNS suffix of the cluster, such as <c>cluster.local</c>.</summary>
    public string Domain { get; }

    public string RootNamespace { get; }
    public Duration ConnectTimeout { get; }
    public Duration DnsRefreshRate { get; }
    public Duration ProtocolDetectionTimeout { get; }
    public uint OutboundPort { get; }
    public uint InboundPort { get; }

    /// <summary>Whether traffic to what no service has may leave (ALLOW_ANY).</summary>
    public bool AllowsAny { get; }

    /// <summary>Whether outlier detection brings failover by locality.</summary>
    public bool LocalityFailover { get; }
}
