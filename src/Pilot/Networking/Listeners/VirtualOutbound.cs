using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Routes;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>
/// The listener to which all captured outbound connections come, <c>virtualOutbound</c>: it hands each to the listener of its
/// address, and what has none on to where it wanted to go, or nowhere.
/// </summary>
internal static class VirtualOutbound
{
    public const string Name = "virtualOutbound";

    public static EncodedResource Get(Client client) =>
        client.Scope.Generated.Get((Name, client.Facets.Interception, client.Facets.Telemetry.AsClient), client, static c => EncodedResource.Encode(Name, Build(c)));

    /// <summary>The listener for applications that use the proxy as an HTTP proxy; null where there is none.</summary>
    public static EncodedResource? HttpProxy(Client client)
    {
        var port = client.Node.HttpProxyPort > 0 ? client.Node.HttpProxyPort : client.Mesh.Config.ProxyHttpPort;
        if (port == 0 && client.Node.Interception == InterceptionMode.None) port = 15002;
        if (port <= 0) return null;
        var bind = client.Node.SharesLoopback ? client.Node.Addresses[0] : "127.0.0.1";
        return client.Scope.Generated.Get((SidecarRoutes.HttpProxy, bind, port, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Telemetry.AsClient), (client, bind, port), static s =>
        {
            var name = ListenerAssembly.NameOf(s.bind, s.port);
            var http = new HttpChain(ListenerClass.SidecarOutbound, "outbound_" + name, SidecarRoutes.HttpProxy, PortProtocol.HttpProxy) { AllowsAbsoluteUrl = true };
            return EncodedResource.Encode(name, new Listener
            {
                Name = name,
                Address = ListenerAssembly.AddressOf(s.bind, s.port),
                TrafficDirection = TrafficDirection.Outbound,
                MaxConnectionsToAcceptPerSocketEvent = 1,
                FilterChains = { ListenerAssembly.Chain(new ChainSpec { Http = http }, s.client.Mesh, s.client.Facets.Filters, s.client.Facets.AcceptsHttp10, s.client.Facets.Telemetry.AsClient) },
            });
        });
    }

    private static Listener Build(Client client)
    {
        var mesh = client.Mesh;
        var port = (int)mesh.OutboundPort;
        var listener = new Listener
        {
            Name = Name,
            Address = ListenerAssembly.AddressOf("0.0.0.0", port),
            UseOriginalDst = true,
            TrafficDirection = TrafficDirection.Outbound,
            MaxConnectionsToAcceptPerSocketEvent = 1,
        };
        if (client.Node.Interception == InterceptionMode.Tproxy) listener.Transparent = true;
        listener.AccessLog.AddRange(AccessLogs.OfListener(mesh, client.Facets.Telemetry.AsClient));
        listener.FilterChains.Add(InboundListeners.BlackHole(mesh, "virtualOutbound-blackhole", port));
        var rest = new FilterChain { Name = "virtualOutbound-catchall-tcp" };
        rest.Filters.AddRange(TcpProxies.Build(Rest(client), mesh, FilterSupport.None, client.Facets.Telemetry.AsClient));
        listener.FilterChains.Add(rest);
        return listener;
    }

    private static TcpChain Rest(Client client)
    {
        var cluster = !client.Scope.AllowsAny ? ClusterName.BlackHole
            : client.Scope.Sidecar?.OutboundTrafficPolicy?.EgressProxy is { Host.Length: > 0 } proxy ? ClusterName.Outbound((int)(proxy.Port?.Number ?? 0), proxy.Subset, proxy.Host)
            : ClusterName.Passthrough;
        return new(cluster, [new(cluster, 0)]);
    }
}
