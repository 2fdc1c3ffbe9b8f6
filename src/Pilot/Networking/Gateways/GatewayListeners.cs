using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Listeners;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Gateways;

/// <summary>
/// The listeners of a gateway proxy (pilot/pkg/networking/core/gateway.go). Servers that must end TLS have no filter chain
/// until proxies have certificates: a plain-text listener in their place would be worse than none.
/// </summary>
internal static class GatewayListeners
{
    private static readonly Names MeshProtocols = new(["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"]);

    public static EncodedResource[] Get(Client client)
    {
        List<EncodedResource> listeners = [];
        foreach (var port in client.Gateway.Ports)
        {
            if (client.Node.IsUnprivileged && port.Number < 1024) continue;
            List<ChainSpec> chains = [.. Chains(client, port)];
            if (chains.Count > 0) listeners.Add(Encode(client, port, chains));
        }
        return [.. listeners];
    }

    private static EncodedResource Encode(Client client, GatewayPort port, List<ChainSpec> chains)
    {
        var listener = new Listener
        {
            Name = port.Name,
            Address = ListenerAssembly.AddressOf(port.Bind, port.Number),
            TrafficDirection = TrafficDirection.Outbound,
            MaxConnectionsToAcceptPerSocketEvent = 1,
        };
        listener.AccessLog.AddRange(AccessLogs.OfListener(client.Mesh, client.Facets.Telemetry.AsClient));
        if (chains.Exists(c => c.ServerNames.Count > 0)) listener.ListenerFilters.Add(ListenerFilters.TlsInspector());
        foreach (var chain in chains) listener.FilterChains.Add(ListenerAssembly.Chain(chain, client.Mesh, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Telemetry.AsClient));
        return EncodedResource.Encode(port.Name, listener);
    }

    private static IEnumerable<ChainSpec> Chains(Client client, GatewayPort port)
    {
        if (port.IsHttp)
        {
            var first = port.Servers[0];
            yield return new() { Http = new(ListenerClass.Gateway, "outbound_" + port.Name, first.RouteName, first.Protocol) { Policies = client.Policies } };
            yield break;
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var server in port.Servers)
        {
            var chains = server.Terminates ? []
                : server.IsAutoPassthrough ? BySniOfMesh(client, server)
                : server.PassesThrough ? ByServerName(client, server, names)
                : Plain(client, server);
            foreach (var chain in chains) yield return chain with { Tcp = chain.Tcp?.Under(client.Policies) };
        }
    }

    /// <summary>The first TCP route that is bound to the server.</summary>
    private static IEnumerable<ChainSpec> Plain(Client client, GatewayServer server)
    {
        var lookups = new ScopeLookups(client);
        foreach (var rule in GatewayRules.BoundTo(client, server.Gateway))
        {
            if (GatewayRules.SharedHosts(server, rule).Count == 0) continue;
            foreach (var route in rule.Spec.Tcp)
                if (route.Route.Count > 0 && (route.Match.Count == 0
                    || route.Match.Any(m => (m.Gateways.Count == 0 || m.Gateways.Contains(server.Gateway)) && (m.Port == 0 || m.Port == server.OwnPort))))
                {
                    yield return new() { Tcp = TcpChains.Route(route.Route, server.OwnPort, $"{rule.Name}.{rule.Namespace}", server.Protocol, lookups) };
                    yield break;
                }
        }
    }

    /// <summary>Encrypted connections pass on by the name that they ask for.</summary>
    private static IEnumerable<ChainSpec> ByServerName(Client client, GatewayServer server, HashSet<string> taken)
    {
        var lookups = new ScopeLookups(client);
        foreach (var rule in GatewayRules.BoundTo(client, server.Gateway))
        {
            if (GatewayRules.SharedHosts(server, rule).Count == 0) continue;
            foreach (var route in rule.Spec.Tls)
                foreach (var match in route.Match)
                {
                    var concerns = (match.Gateways.Count == 0 || match.Gateways.Contains(server.Gateway)) && (match.Port == 0 || match.Port == server.OwnPort);
                    if (!concerns || route.Route.Count == 0 || match.SniHosts.Any(taken.Contains)) continue;
                    taken.UnionWith(match.SniHosts);
                    yield return new()
                    {
                        Tcp = TcpChains.Route(route.Route, server.OwnPort, $"{rule.Name}.{rule.Namespace}", PortProtocol.Tls, lookups),
                        ServerNames = new(match.SniHosts),
                        Ranges = new(match.DestinationSubnets),
                    };
                }
        }
    }

    /// <summary>Connections of other sidecars name the cluster that they want.</summary>
    private static IEnumerable<ChainSpec> BySniOfMesh(Client client, GatewayServer server)
    {
        foreach (var service in client.Scope.Services.All)
        {
            if (service.IsMeshExternal || !server.ServerNames.Any(n => Hostnames.IsSubset(service.Hostname, n))) continue;
            var subsets = client.RuleFor(service.Hostname)?.Rule.Subsets.Select(s => s.Name) ?? [];
            foreach (var port in service.Ports)
                if (port.Protocol != PortProtocol.Udp)
                    foreach (var subset in subsets.Prepend(""))
                    {
                        var name = ClusterName.SniOutbound(port.Port, subset, service.Hostname);
                        yield return new() { Tcp = new(name, [new(name, 0)]), ServerNames = new([name]), Protocols = MeshProtocols };
                    }
        }
    }
}

/// <summary>The VirtualServices that a gateway proxy obeys.</summary>
internal static class GatewayRules
{
    public static IEnumerable<VirtualServiceEntry> BoundTo(Client client, string gateway) =>
        client.Snapshot.Rules.VisibleTo(client.Node.Namespace).Where(r => r.Gateways.Contains(gateway)).Distinct();

    /// <summary>The hosts of a rule that a server lets it have.</summary>
    public static List<string> SharedHosts(GatewayServer server, VirtualServiceEntry rule) => Hostnames.Intersect(server.HostsFor(rule.Namespace), rule.Hosts);
}
