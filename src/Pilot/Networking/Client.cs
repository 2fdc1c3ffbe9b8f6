using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Gateways;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking;

/// <summary>A proxy in front of one snapshot: what resources are generated for. Immutable, made for each push.</summary>
internal sealed class Client
{
    private readonly Lazy<ServiceTargets> _targets;
    private readonly Lazy<MergedGateway> _gateway;

    public Client(ProxyNode node, PushSnapshot snapshot)
    {
        (Node, Snapshot) = (node, snapshot);
        Scope = snapshot.ScopeFor(node);
        Facets = ClientFacets.Of(node, Scope);
        _targets = new(() => ServiceTargets.Of(node, snapshot));
        _gateway = new(() => MergedGateway.Merge(this));
    }

    public ProxyNode Node { get; }
    public PushSnapshot Snapshot { get; }
    public SidecarScope Scope { get; }
    public ClientFacets Facets { get; }
    public MeshSettings Mesh => Snapshot.Mesh;
    public ServiceTargets Targets => _targets.Value;

    /// <summary>The Gateway objects that select this proxy, as one.</summary>
    public MergedGateway Gateway => _gateway.Value;

    public bool IsRouter => Node.Kind == ProxyKind.Router;

    public DestinationRuleEntry? RuleFor(string hostname) => Scope.Services.RuleFor(hostname, Node.Labels, Node.Namespace);

    public ServiceEndpoints? EndpointsOf(Service service) => Snapshot.Endpoints.Find(service.Hostname, service.Namespace);
}
