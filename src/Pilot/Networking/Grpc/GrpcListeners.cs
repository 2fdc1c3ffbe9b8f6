using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Clusters;
using Lateen.Pilot.Networking.Listeners;

namespace Lateen.Pilot.Networking.Grpc;

/// <summary>
/// The listeners of a gRPC program that speaks xDS itself, without a proxy: for each <c>host:port</c> that it dials one for its
/// API, for each port that it serves one of an address (pilot/pkg/networking/grpcgen/lds.go; gRFC A27, A36). Any thread.
/// </summary>
internal static class GrpcListeners
{
    private const string InboundPrefix = "xds.istio.io/grpc/lds/inbound/";
    private const string ManagerName = "envoy.filters.network.http_connection_manager";

    /// <summary>The listeners of these names, or of all services; what a name says nothing to this program for is left out.</summary>
    public static EncodedResource[] Get(Client client, IEnumerable<string>? names)
    {
        names ??= client.Scope.Services.All.SelectMany(s => s.Ports.Select(p => string.Create(CultureInfo.InvariantCulture, $"{s.Hostname}:{p.Port}")));
        return [.. names.Order(StringComparer.Ordinal).Select(n => n.StartsWith(InboundPrefix, StringComparison.Ordinal) ? Inbound(client, n) : Outbound(client, n)).OfType<EncodedResource>()];
    }

    private static EncodedResource? Outbound(Client client, string name)
    {
        if (!TrySplit(name, out var host, out var port) || FindService(client, host) is not { } service) return null;
        if (service.PortByNumber(port) is not { } servicePort || servicePort.Protocol == PortProtocol.Udp) return null;
        return service.Generated.Get(("grpc listener", name), (service, port, name), static s =>
        {
            var manager = Manager();
            manager.Rds = new() { ConfigSource = OutboundClusters.AdsSource(), RouteConfigName = ClusterName.Outbound(s.port, "", s.service.Hostname) };
            return EncodedResource.Encode(s.name, new Listener
            {
                Name = s.name,
                Address = ListenerAssembly.AddressOf(s.service.PrimaryAddress, s.port),
                ApiListener = new() { ApiListener_ = Any.Pack(manager) },
            });
        });
    }

    /// <summary>By its full name, or by the short forms that the program's search domains allow.</summary>
    private static Service? FindService(Client client, string host)
    {
        if (client.Scope.Services.Find(host) is { } service) return service;
        var domain = client.Facets.DnsDomain;
        for (var from = 0; from >= 0 && from < domain.Length; from = domain.IndexOf('.', from) is >= 0 and var dot ? dot + 1 : -1)
            if (client.Scope.Services.Find($"{host}.{domain[from..]}") is { } shortened) return shortened;
        return null;
    }

    /// <summary>The way into a port on which the program itself serves.</summary>
    private static EncodedResource? Inbound(Client client, string name)
    {
        if (!TrySplit(name[InboundPrefix.Length..], out var host, out var port)) return null;
        return client.Mesh.Generated.Get(("grpc inbound", name), (name, Host: host, port), static s =>
        {
            var manager = Manager();
            manager.RouteConfig = new()
            {
                Name = "inbound",
                VirtualHosts = { new VirtualHost { Name = "inbound", Domains = { "*" }, Routes = { new Route { Match = new() { Prefix = "/" }, NonForwardingAction = new() } } } },
            };
            return EncodedResource.Encode(s.name, new Listener
            {
                Name = s.name,
                Address = ListenerAssembly.AddressOf(s.Host, s.port),
                TrafficDirection = TrafficDirection.Inbound,
                FilterChains = { new FilterChain { Name = "inbound", FilterChainMatch = new(), Filters = { new Filter { Name = ManagerName, TypedConfig = Any.Pack(manager) } } } },
            });
        });
    }

    private static bool TrySplit(string address, out string host, out int port)
    {
        (host, port) = ("", 0);
        var colon = address.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)) return false;
        host = address[..colon].Trim('[', ']');
        return true;
    }

    private static HttpConnectionManager Manager() => new()
    {
        HttpFilters = { Filter("envoy.filters.http.fault", new HTTPFault()), Filter("envoy.filters.http.router", new Router()) },
    };

    private static HttpFilter Filter(string name, IMessage config) => new() { Name = name, TypedConfig = Any.Pack(config) };
}
