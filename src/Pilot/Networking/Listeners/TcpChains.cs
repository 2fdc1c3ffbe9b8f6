using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Routes;
using Lateen.Pilot.Push;
using Service = Lateen.Pilot.Model.Service;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>
/// The filter chains of a TCP or TLS port of a service: what VirtualServices say, else to the service itself
/// (pilot/pkg/networking/core/tls.go).
/// </summary>
internal static class TcpChains
{
    /// <param name="client">The proxy.</param>
    /// <param name="egress">Whose rules apply.</param>
    /// <param name="service">The destination.</param>
    /// <param name="port">The listener's port, which may be a Sidecar's instead of the service's.</param>
    /// <param name="ranges">The service's address ranges on a listener of all addresses.</param>
    /// <param name="onWildcard">Whether the listener takes all addresses.</param>
    public static IEnumerable<ChainSpec> Build(Client client, EgressScope egress, Service service, ServicePort port, Names ranges, bool onWildcard)
    {
        var rules = egress.Layer4RulesFor(service.Hostname);
        var own = Targets(client, service, port);
        return port.Protocol.IsTls()
            ? Tls(client, rules, service, port, ranges, onWildcard, own)
            : Tcp(client, rules, port, ranges, own);
    }

    /// <summary>The targets of a route and the prefix of its statistics; null when all weigh nothing.</summary>
    public static TcpChain Route(IEnumerable<RouteDestination> destinations, int port, string ruleName, PortProtocol protocol, IRouteLookups lookups)
    {
        var list = destinations.ToList();
        if (list.Count == 1)
        {
            var cluster = DestinationActions.ClusterFor(list[0].Destination, port, lookups);
            return new(cluster, [new(cluster, 0)]) { Rule = lookups.FindRule(list[0].Destination?.Host ?? ""), Protocol = protocol };
        }
        return new(ruleName, list.Where(d => d.Weight > 0).Select(d => new TcpTarget(DestinationActions.ClusterFor(d.Destination, port, lookups), (uint)d.Weight))) { Protocol = protocol };
    }

    public static bool Concerns(IEnumerable<KeyValuePair<string, string>> sourceLabels, string sourceNamespace, IReadOnlyCollection<string> gateways, uint matchPort, string gateway, int port, ProxyNode node) =>
        (gateways.Count == 0 || gateways.Contains(gateway)) && (matchPort == 0 || matchPort == port)
        && Labels.Covers(sourceLabels, node.Labels) && (sourceNamespace.Length == 0 || sourceNamespace == node.Namespace);

    private static IEnumerable<ChainSpec> Tls(
        Client client, IEnumerable<VirtualServiceEntry> rules, Service service, ServicePort port, Names ranges, bool onWildcard, TcpChain own)
    {
        var handled = new HashSet<string>(StringComparer.Ordinal);
        var lookups = new ScopeLookups(client);
        foreach (var rule in rules)
            foreach (var route in rule.Spec.Tls)
                foreach (var match in route.Match)
                {
                    if (route.Route.Count == 0 || !Concerns(match.SourceLabels, match.SourceNamespace, match.Gateways, match.Port, VirtualServiceEntry.Mesh, port.Port, client.Node)) continue;
                    // The same names again could never be reached.
                    if (!handled.Add(string.Join(",", match.SniHosts) + "|" + string.Join(",", match.DestinationSubnets))) continue;
                    yield return new()
                    {
                        Tcp = Route(route.Route, port.Port, $"{rule.Name}.{rule.Namespace}", port.Protocol, lookups),
                        ServerNames = new(match.SniHosts),
                        Ranges = match.DestinationSubnets.Count > 0 ? new(match.DestinationSubnets) : ranges,
                        MetadataPath = rule.MetadataPath,
                    };
                }
        if (handled.Count > 0) yield break;
        // On a listener of all addresses the server name is all that tells services apart.
        var byName = ranges.Count > 0 || (onWildcard && service.PrimaryAddress == Service.UnspecifiedAddress);
        var names = byName
            ? service.Aliases.SelectMany(a => VirtualHostDomains.Alternatives(a, client.Node.DnsDomain).Prepend(a)).Prepend(service.Hostname)
            : [];
        yield return new() { Tcp = own, ServerNames = new(names), Ranges = ranges };
    }

    private static IEnumerable<ChainSpec> Tcp(Client client, IEnumerable<VirtualServiceEntry> rules, ServicePort port, Names ranges, TcpChain own)
    {
        var lookups = new ScopeLookups(client);
        var ownIsTaken = false;
        foreach (var rule in rules)
            foreach (var route in rule.Spec.Tcp)
            {
                if (route.Route.Count == 0) continue;
                var chain = new ChainSpec { MetadataPath = rule.MetadataPath, Tcp = Route(route.Route, port.Port, $"{rule.Name}.{rule.Namespace}", port.Protocol, lookups) };
                var subnets = new List<string>();
                var all = route.Match.Count == 0;
                foreach (var match in route.Match)
                    if (Concerns(match.SourceLabels, match.SourceNamespace, match.Gateways, match.Port, VirtualServiceEntry.Mesh, port.Port, client.Node))
                    {
                        all |= match.DestinationSubnets.Count == 0;
                        subnets.AddRange(match.DestinationSubnets);
                    }
                if (all)
                {
                    yield return chain with { Ranges = ranges };
                    yield break;
                }
                if (subnets.Count == 0) continue;
                yield return chain with { Ranges = new(subnets), MetadataPath = "" };
                ownIsTaken |= subnets.Order(StringComparer.Ordinal).SequenceEqual(ranges.All.Order(StringComparer.Ordinal));
            }
        if (!ownIsTaken) yield return new() { Tcp = own, Ranges = ranges };
    }

    /// <summary>To the service itself: on a Sidecar's port that the service does not have, to its only port.</summary>
    private static TcpChain Targets(Client client, Service service, ServicePort port)
    {
        var number = service.Ports.Count == 1 ? service.Ports[0].Port : port.Port;
        var cluster = ClusterName.Outbound(number, "", service.Hostname);
        var stat = StatNames.Outbound(client.Mesh, cluster, service, service.PortByNumber(number) ?? port, "");
        return new(stat, [new(cluster, 0)]) { Rule = client.RuleFor(service.Hostname), Protocol = port.Protocol };
    }
}

/// <summary>Services and rules as a proxy's scope has them. Owned by one build.</summary>
internal sealed class ScopeLookups(Client client) : IRouteLookups
{
    public Service? FindService(string hostname) => client.Scope.Services.Find(hostname);

    public DestinationRuleEntry? FindRule(string hostname) => client.RuleFor(hostname);
}
