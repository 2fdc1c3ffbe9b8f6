using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Routes;
using Lateen.Pilot.Push;
using TlsRequirement = Envoy.Config.Route.V3.VirtualHost.Types.TlsRequirementType;

namespace Lateen.Pilot.Networking.Gateways;

/// <summary>
/// The route configurations of a gateway proxy: the hosts that its servers and the VirtualServices bound to them agree on
/// (pilot/pkg/networking/core/gateway.go#buildGatewayHTTPRouteConfig).
/// </summary>
internal static class GatewayRoutes
{
    public static EncodedResource Get(Client client, string name)
    {
        var servers = client.Gateway.ServersOf(name);
        if (servers.Count == 0) return EncodedResource.Encode(name, new RouteConfiguration { Name = name, ValidateClusters = false });
        var hosts = Encode(Gather(client, servers), servers[0].OwnPort);
        return client.Scope.Memory.Get(("gateway route", client.Node.LabelKey, name), hosts, () => SidecarRoutes.Encode(name, hosts));
    }

    /// <summary>A host while its rules are gathered.</summary>
    private sealed class Host(string name, int port)
    {
        public string Name { get; } = VirtualHostDomains.WithPort(name, port);
        public List<string> Domains { get; } = [name];
        public List<RouteSet> Routes { get; } = [];
        public bool RequiresTls { get; set; }

        public bool CanShareWith(Host other) => RequiresTls == other.RequiresTls && Routes.SequenceEqual(other.Routes, ReferenceEqualityComparer.Instance);
    }

    private static Dictionary<string, Host> Gather(Client client, IReadOnlyList<GatewayServer> servers)
    {
        var hosts = new Dictionary<string, Host>(StringComparer.Ordinal);
        foreach (var server in servers)
        {
            foreach (var rule in GatewayRules.BoundTo(client, server.Gateway))
            {
                var shared = GatewayRules.SharedHosts(server, rule);
                if (shared.Count == 0) continue;
                var place = new RoutePlace(server.OwnPort, server.Gateway, server.Server.Tls != null, client.Mesh, client.Facets.IsGrpc);
                var routes = VirtualServiceRoutes.Get(rule, place, client.Node, new GatewayLookups(client, rule));
                if (routes.Routes.Count == 0) continue;
                foreach (var name in shared) Find(name.ToLowerInvariant(), server).Routes.Add(routes);
            }
            if (server.RedirectsToHttps)
                foreach (var name in server.ServerNames) Find(name.ToLowerInvariant(), server);
        }
        return hosts;

        Host Find(string name, GatewayServer server)
        {
            if (!hosts.TryGetValue(name, out var host)) hosts[name] = host = new(name, server.OwnPort);
            host.RequiresTls |= server.RedirectsToHttps;
            return host;
        }
    }

    private static List<ByteString> Encode(Dictionary<string, Host> hosts, int port)
    {
        if (hosts.Count == 0)
            // No routes: whatever is asked for is answered with 404.
            return [new VirtualHost { Name = VirtualHostDomains.WithPort("blackhole", port), Domains = { "*" } }.ToByteString()];
        List<Host> distinct = [];
        foreach (var (_, host) in hosts.OrderBy(h => h.Key, Comparer<string>.Create(MoreSpecific)))
            if (distinct.Find(host.CanShareWith) is { } same) same.Domains.AddRange(host.Domains);
            else distinct.Add(host);
        return [.. distinct.OrderBy(h => h.Name, StringComparer.Ordinal).Select(Encode)];
    }

    private static ByteString Encode(Host host)
    {
        if (host.Routes.Count == 0) return new VirtualHost { Name = host.Name, Domains = { host.Domains }, IncludeRequestAttemptCount = true, RequireTls = Tls(host) }.ToByteString();
        var key = new HostKey(host.Name, string.Join(",", host.Domains), host.RequiresTls, new([.. host.Routes]));
        return host.Routes[0].Generated.Get(key, host, static h => VirtualHostTable.Build(h.Name, [.. h.Domains], RouteSet.Join(h.Routes), Tls(h)));
    }

    private static TlsRequirement Tls(Host host) => host.RequiresTls ? TlsRequirement.All : TlsRequirement.None;

    /// <summary>Whole names before wildcards, then longer before shorter.</summary>
    private static int MoreSpecific(string left, string right)
    {
        var byKind = Hostnames.IsWildcard(left).CompareTo(Hostnames.IsWildcard(right));
        return byKind != 0 ? byKind : Hostnames.MoreSpecificFirst(left, right);
    }

    private sealed record HostKey(string Name, string Domains, bool RequiresTls, RouteSets Routes);

    private sealed class RouteSets(ImmutableArray<RouteSet> all) : IEquatable<RouteSets>
    {
        private readonly ImmutableArray<RouteSet> _all = all;

        public bool Equals(RouteSets? other) => other != null && _all.AsSpan().SequenceEqual(other._all.AsSpan(), ReferenceEqualityComparer.Instance);

        public override bool Equals(object? obj) => Equals(obj as RouteSets);

        public override int GetHashCode() => _all.Length;
    }

    /// <summary>A destination is first looked for in the rule's own namespace, then among what the gateway sees.</summary>
    private sealed class GatewayLookups(Client client, VirtualServiceEntry rule) : IRouteLookups
    {
        public Service? FindService(string hostname) =>
            client.Snapshot.Services.Find(hostname, rule.Namespace) is { } own && own.ExportedTo.Includes(client.Node.Namespace)
                ? own
                : client.Scope.Services.Find(hostname);

        public DestinationRuleEntry? FindRule(string hostname) => client.RuleFor(hostname);
    }
}
