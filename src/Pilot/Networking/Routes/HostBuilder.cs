using Google.Protobuf;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>
/// The virtual hosts of one port of one egress listener (of all ports when it is 0): first what VirtualServices say, then
/// the services that none speaks of. Owned by one build.
/// </summary>
internal sealed class HostBuilder : IRouteLookups
{
    private readonly Client _client;
    private readonly EgressScope _egress;
    private readonly int _port;
    private readonly RoutePlace _place;
    private Dictionary<string, Service> _services = new(StringComparer.Ordinal);

    public HostBuilder(Client client, EgressScope egress, int port)
    {
        (_client, _egress, _port) = (client, egress, port);
        _place = new(port, VirtualServiceEntry.Mesh, false, client.Mesh, client.Facets.IsGrpc);
    }

    public Service? FindService(string hostname) => _services.GetValueOrDefault(hostname);

    public DestinationRuleEntry? FindRule(string hostname) => _client.RuleFor(hostname);

    /// <summary>The hosts of all services, sorted by name.</summary>
    public List<ByteString> All()
    {
        _services = Index(_port == 0 ? _egress.Services : _egress.ServicesOnPort(_port));
        var claims = Claims();
        var table = new VirtualHostTable(KnownNames());
        foreach (var claim in claims) AddClaim(table, claim);
        AddUnclaimed(table, claims);
        return table.Sorted();
    }

    /// <summary>The host of one service for whatever name a request calls it; null when the service has no such port.</summary>
    public ByteString? Single(string hostname)
    {
        if (_egress.ServicesOnPort(_port).FirstOrDefault(s => s.Hostname == hostname) is not { } service) return null;
        _services = Index([service]);
        if (service.PortByNumber(_port) is not { } port || !port.Protocol.IsHttpOrSniffed()) return null;
        var claim = Claims().Find(c => c.Services.Contains(service));
        var routes = claim?.Routes ?? DefaultRoutes(service, port);
        return VirtualHostTable.Build(VirtualHostDomains.WithPort(service.Hostname, _port), ["*"], routes);
    }

    /// <summary>A rule with routes for this place, the services that it decides for, and its hosts that are no services.</summary>
    private sealed record Claim(RouteSet Routes, List<Service> Services, List<string> OtherHosts);

    private List<Claim> Claims()
    {
        List<Claim> claims = [];
        foreach (var rule in _port == 0 ? _egress.Rules : _egress.RulesFor(_port, _services))
        {
            var routes = VirtualServiceRoutes.Get(rule, _place, _client.Node, this);
            if (routes.Routes.Count > 0) claims.Add(Split(rule, routes));
        }
        return claims;
    }

    private Claim Split(VirtualServiceEntry rule, RouteSet routes)
    {
        List<Service> services = [];
        List<string> others = [];
        foreach (var host in rule.Hosts)
        {
            if (!Hostnames.IsWildcard(host))
            {
                if (_services.TryGetValue(host, out var service)) services.Add(service);
                else others.Add(host);
                continue;
            }
            var covered = false;
            foreach (var (name, service) in _services)
                if (Hostnames.Overlap(host, name))
                {
                    covered = true;
                    if (_egress.IsMostSpecificFor(rule, name)) services.Add(service);
                }
            if (!covered) others.Add(host);
        }
        return new(routes, services, others);
    }

    private void AddClaim(VirtualHostTable table, Claim claim)
    {
        var ports = claim.Services.SelectMany(HttpPorts).Distinct().ToList();
        // parity: pilot/pkg/networking/core/route/route.go#buildSidecarVirtualHostsForVirtualService
        if (ports.Count == 0 && _port is 80 or 0) ports.Add(80);
        foreach (var port in ports)
        {
            foreach (var host in claim.OtherHosts) Add(table, VirtualHostDomains.WithPort(VirtualHostDomains.Bracketed(host), port), OtherDomains(claim.Routes, host, port), claim.Routes, port);
            foreach (var service in claim.Services)
                if (HttpPorts(service).Contains(port)) AddService(table, service, port, claim.Routes);
        }
    }

    private void AddUnclaimed(VirtualHostTable table, List<Claim> claims)
    {
        var claimed = claims.SelectMany(c => c.Services).ToHashSet();
        foreach (var service in _services.Values)
            if (service.Resolution != Resolution.Alias && !claimed.Contains(service))
                foreach (var port in service.Ports)
                    if ((_port == 0 || port.Port == _port) && port.Protocol.IsHttpOrSniffed()) AddService(table, service, port.Port, DefaultRoutes(service, port));
    }

    private void AddService(VirtualHostTable table, Service service, int port, RouteSet routes) =>
        Add(table, VirtualHostDomains.WithPort(service.Hostname, port), VirtualHostDomains.Of(service, _client.Facets.DnsDomain, _port == 0 ? port : 0), routes, port);

    /// <summary>On a listener of all ports a host without port means port 80.</summary>
    private void Add(VirtualHostTable table, string name, HostDomains domains, RouteSet routes, int port)
    {
        if (_port == 0 && port != 80) table.Add(name, domains, routes, static d => d.Contains(':'));
        else table.Add(name, domains, routes);
    }

    /// <summary>A host that no service has is called by its name alone. The same object for the same routes, as for services.</summary>
    private HostDomains OtherDomains(RouteSet routes, string host, int port) => _port == 0
        ? new([host, VirtualHostDomains.WithPort(host, port)], new HashSet<string>())
        : routes.Generated.Get(("other", host), host, static h => new HostDomains([h], new HashSet<string>()));

    private RouteSet DefaultRoutes(Service service, ServicePort port)
    {
        var rule = FindRule(service.Hostname);
        return service.Generated.Get(new DefaultKey(port.Port, rule, _client.Mesh), (service, port, rule, _client.Mesh), static s => new RouteSet(
        [
            RouteBuilder.Default(
                ClusterName.Outbound(s.port.Port, "", s.service.Hostname), RouteBuilder.Operation(s.service.Hostname, s.port.Port), s.Mesh,
                HashPolicies.Convert(HashPolicies.ForService(s.rule?.Rule, s.port.Port))),
        ]));
    }

    private IEnumerable<int> HttpPorts(Service service) =>
        service.Ports.Where(p => (_port == 0 || p.Port == _port) && p.Protocol.IsHttpOrSniffed()).Select(p => p.Port);

    private HashSet<string> KnownNames() => new(_services.Keys, StringComparer.Ordinal);

    private static Dictionary<string, Service> Index(IEnumerable<Service> services)
    {
        var index = new Dictionary<string, Service>(StringComparer.Ordinal);
        foreach (var service in services) index.TryAdd(service.Hostname, service);
        return index;
    }

    private sealed record DefaultKey(int Port, DestinationRuleEntry? Rule, MeshSettings Mesh);
}
