using System.Collections.Concurrent;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Gateways;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking;

/// <summary>A proxy in front of one snapshot: what resources are generated for. Immutable, made for each push.</summary>
internal sealed class Client
{
    private readonly Lazy<ServiceTargets> _targets;
    private readonly Lazy<InboundPorts> _inbound;
    private readonly Lazy<MergedGateway> _gateway;
    private readonly Lazy<ConcurrentDictionary<string, EncodedResource>> _knownEndpoints;

    public Client(ProxyNode node, PushSnapshot snapshot)
    {
        (Node, Snapshot) = (node, snapshot);
        Scope = snapshot.ScopeFor(node);
        Facets = ClientFacets.Of(node, Scope, snapshot.Telemetry?.For(node) ?? WorkloadTelemetry.OfMesh);
        _targets = new(() => ServiceTargets.Of(node, snapshot));
        _inbound = new(() => InboundPorts.Of(this));
        _gateway = new(() => MergedGateway.Merge(this));
        _knownEndpoints = new(() => snapshot.Endpoints.Generated.Get(
            new EndpointsKey(Scope.Services, Mesh, Facets with { Telemetry = WorkloadTelemetry.OfMesh }), 0, static _ => new ConcurrentDictionary<string, EncodedResource>(StringComparer.Ordinal)));
    }

    public ProxyNode Node { get; }
    public PushSnapshot Snapshot { get; }
    public SidecarScope Scope { get; }
    public ClientFacets Facets { get; }
    public MeshSettings Mesh => Snapshot.Mesh;
    public ServiceTargets Targets => _targets.Value;

    /// <summary>The policies that select the proxy's workload.</summary>
    public WorkloadPolicies Policies => field ??= Snapshot.Policies.For(Node);

    /// <summary>The ports on which the workload takes traffic.</summary>
    public InboundPorts Inbound => _inbound.Value;

    /// <summary>The assignments that were made for clients like this one, by cluster. Shared by all of them; any thread.</summary>
    public ConcurrentDictionary<string, EncodedResource> KnownEndpoints => _knownEndpoints.Value;

    /// <summary>The Gateway objects that select this proxy, as one.</summary>
    public MergedGateway Gateway => _gateway.Value;

    public bool IsRouter => Node.Kind == ProxyKind.Router;

    public DestinationRuleEntry? RuleFor(string hostname) => Scope.Services.RuleFor(hostname, Node.Labels, Node.Namespace);

    public ServiceEndpoints? EndpointsOf(Service service) => Snapshot.Endpoints.Find(service.Hostname, service.Namespace);

    /// <summary>All that decides the assignments of a client, besides the endpoints themselves.</summary>
    private sealed record EndpointsKey(ScopeServices Services, MeshSettings Mesh, ClientFacets Facets);
}
