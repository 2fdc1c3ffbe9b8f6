using System.Globalization;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>
/// The route configurations of a sidecar's outbound listeners: all services of a port, or the one service of a listener
/// that detects its protocol (pilot/pkg/networking/core/httproute.go#BuildSidecarOutboundVirtualHosts).
/// </summary>
internal static class SidecarRoutes
{
    public const string HttpProxy = "http_proxy";
    private const int VirtualHostsField = 2;
    private const uint MostDirectResponseBytes = 1 << 20;

    public static EncodedResource Get(Client client, string name)
    {
        var key = new RouteKey(name, client.Facets.DnsDomain, client.Facets.Selected);
        return client.Scope.Generated.GetOnce(key, (client, name, key), static s => Build(s.client, s.name, s.key));
    }

    /// <summary>The configuration without its hosts.</summary>
    public static RouteConfiguration Frame(string name) => new()
    {
        Name = name,
        ValidateClusters = false,
        MaxDirectResponseBodySizeBytes = MostDirectResponseBytes,
        // One listener for all ports tells them apart by the request's host.
        IgnorePortInHostMatching = name != HttpProxy,
    };

    public static EncodedResource Encode(string name, IReadOnlyList<ByteString> hosts) =>
        EncodedResource.Encode(name, Frame(name), VirtualHostsField, hosts);

    private sealed record RouteKey(string Name, string DnsDomain, string Selected);

    private static EncodedResource Build(Client client, string name, RouteKey key)
    {
        var hosts = Hosts(client, name);
        return client.Scope.Memory.Get(key, hosts, () => Encode(name, hosts));
    }

    private static List<ByteString> Hosts(Client client, string name)
    {
        if (!TryParse(name, out var port, out var hostname)) return [];
        if (client.Scope.EgressFor(port, name) is not { } egress) return [CatchAll(client.Scope)];
        if (egress.IsHttpProxy) port = 0;
        var builder = new HostBuilder(client, egress, port);
        if (hostname != null) return builder.Single(hostname) is { } single ? [single] : [];
        var hosts = builder.All();
        hosts.Add(CatchAll(client.Scope));
        return hosts;
    }

    /// <summary>A port, <c>host:port</c> of a listener for one service, a socket, or the HTTP proxy's listener (port 0).</summary>
    private static bool TryParse(string name, out int port, out string? hostname)
    {
        (port, hostname) = (0, null);
        if (name == HttpProxy || name.StartsWith("unix://", StringComparison.Ordinal)) return true;
        var colon = name.LastIndexOf(':');
        if (!int.TryParse(name.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)) return false;
        if (colon > 0) hostname = name[..colon];
        return true;
    }

    /// <summary>What becomes of requests to hosts that no service has.</summary>
    private static ByteString CatchAll(SidecarScope scope) => scope.Generated.Get("catch-all", scope, static s => BuildCatchAll(s));

    private static ByteString BuildCatchAll(SidecarScope scope)
    {
        var name = scope.AllowsAny ? "allow_any" : "block_all";
        var route = new Route { Name = name, Match = RouteMatches.Any() };
        if (scope.AllowsAny)
        {
            var proxy = scope.Sidecar?.OutboundTrafficPolicy?.EgressProxy;
            var cluster = proxy is { Host.Length: > 0 } ? ClusterName.Outbound((int)(proxy.Port?.Number ?? 0), proxy.Subset, proxy.Host) : ClusterName.Passthrough;
            route.Route_ = new() { Cluster = cluster, Timeout = Durations.Zero, MaxGrpcTimeout = Durations.Zero };
        }
        else route.DirectResponse = new() { Status = 502 };
        return new VirtualHost { Name = name, Domains = { "*" }, Routes = { route }, IncludeRequestAttemptCount = true }.ToByteString();
    }
}
