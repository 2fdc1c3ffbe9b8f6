using Istio.Mesh.V1Alpha1;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// Everything that proxies are configured from, at one moment. Immutable; parts that a change did not touch are the same
/// objects as in the snapshot before.
/// </summary>
internal sealed class PushSnapshot
{
    public static PushSnapshot Empty(string domain) => new() { Number = 0, Version = "0", Mesh = new(new MeshConfig(), domain), Scopes = new() };

    /// <summary>Counts snapshots of this process, from 1.</summary>
    public required long Number { get; init; }

    /// <summary>The version that proxies are told, <c>time/number</c>.</summary>
    public required string Version { get; init; }

    public required MeshSettings Mesh { get; init; }
    public ServiceIndex Services { get; init; } = ServiceIndex.Empty;
    public EndpointIndex Endpoints { get; init; } = EndpointIndex.Empty;
    public VirtualServiceIndex Rules { get; init; } = VirtualServiceIndex.Empty;
    public DestinationRuleIndex DestinationRules { get; init; } = DestinationRuleIndex.Empty;
    public SidecarIndex Sidecars { get; init; } = SidecarIndex.Empty;

    /// <summary>The Gateway objects, oldest first.</summary>
    public IReadOnlyList<ConfigObject> Gateways { get; init; } = [];

    public PolicyIndex Policies { get; init; } = PolicyIndex.Empty;

    /// <summary>Null while there is no Telemetry object.</summary>
    public TelemetryIndex? Telemetry { get; init; }

    /// <summary>The running pods by address.</summary>
    public IReadOnlyDictionary<string, Workload> Workloads { get; init; } = new Dictionary<string, Workload>();

    public required ScopeStore Scopes { get; init; }

    /// <summary>What a proxy may see. Sidecar objects shape sidecars only.</summary>
    public SidecarScope ScopeFor(ProxyNode node)
    {
        var sidecar = node.Kind == ProxyKind.Sidecar ? Sidecars.For(node.Namespace, node.Labels) : null;
        return Scopes.Get(new(node.Namespace, sidecar, Mesh, Services, Rules, DestinationRules));
    }
}
