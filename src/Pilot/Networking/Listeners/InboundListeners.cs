using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Routes;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>
/// The way into a workload: <c>virtualInbound</c>, to which all captured connections come, with a filter chain for each port
/// and one for all others; and listeners of their own for ports that nothing captures
/// (pilot/pkg/networking/core/listener_inbound.go). In plain text: chains for TLS come with certificates.
/// </summary>
internal static class InboundListeners
{
    private const string CatchAllName = "virtualInbound";

    public static EncodedResource[] Get(Client client)
    {
        var ports = client.Inbound;
        var key = new Key(ports, client.Policies, client.Facets.Telemetry.AsServer, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Interception);
        return client.Mesh.Generated.Get(key, (client, ports), static s => Build(s.client, s.ports));
    }

    private sealed record Key(InboundPorts Ports, WorkloadPolicies Policies, TelemetryPlan Telemetry, FilterSupport Filters, bool AcceptsHttp10, InterceptionMode Interception);

    private static EncodedResource[] Build(Client client, InboundPorts ports)
    {
        List<EncodedResource> listeners = [];
        foreach (var port in ports.All.Where(p => p.BindsToPort)) listeners.Add(EncodedResource.Encode(port.Name, Own(client, port)));
        if (client.Node.Interception != InterceptionMode.None)
            listeners.Add(EncodedResource.Encode(CatchAllName, Virtual(client, [.. ports.All.Where(p => !p.BindsToPort)])));
        return [.. listeners];
    }

    private static Listener Virtual(Client client, IReadOnlyList<InboundPort> ports)
    {
        var mesh = client.Mesh;
        var own = (int)mesh.InboundPort;
        var listener = new Listener
        {
            Name = CatchAllName,
            Address = ListenerAssembly.AddressOf("0.0.0.0", own),
            TrafficDirection = TrafficDirection.Inbound,
            ContinueOnListenerFiltersTimeout = true,
            ListenerFiltersTimeout = mesh.ProtocolDetectionTimeout,
            MaxConnectionsToAcceptPerSocketEvent = 1,
        };
        if (client.Node.Interception == InterceptionMode.Tproxy) listener.Transparent = true;
        listener.AccessLog.AddRange(AccessLogs.OfListener(mesh, client.Facets.Telemetry.AsServer));
        listener.ListenerFilters.Add(ListenerFilters.OriginalDst());
        var inspector = ListenerFilters.HttpInspector();
        // Where the protocol is known, and where the proxy would call itself, there is nothing to look for.
        inspector.FilterDisabled = ListenerFilters.AnyPort([.. ports.Where(p => p.Protocol != PortProtocol.Unsupported).Select(p => p.Number).Distinct().Order(), own]);
        listener.ListenerFilters.Add(inspector);

        listener.FilterChains.Add(BlackHole(mesh, "virtualInbound-blackhole", own));
        foreach (var chain in PassthroughChains(client)) listener.FilterChains.Add(chain);
        foreach (var port in ports)
            foreach (var chain in Chains(client, port)) listener.FilterChains.Add(chain);
        return listener;
    }

    /// <summary>A connection that the client made to the proxy's own port would come back for ever.</summary>
    public static FilterChain BlackHole(MeshSettings mesh, string name, int port)
    {
        var chain = new FilterChain { Name = name, FilterChainMatch = new() { DestinationPort = (uint)port } };
        chain.Filters.AddRange(TcpProxies.Build(new TcpChain(ClusterName.BlackHole, [new(ClusterName.BlackHole, 0)]) { IsLogged = false }, mesh, FilterSupport.None, TelemetryPlan.OfMesh));
        return chain;
    }

    /// <summary>A listener of its own for a port that nothing captures.</summary>
    private static Listener Own(Client client, InboundPort port)
    {
        var listener = new Listener
        {
            Name = port.Name,
            Address = ListenerAssembly.AddressOf(port.Bind, port.Number),
            TrafficDirection = TrafficDirection.Inbound,
            ContinueOnListenerFiltersTimeout = true,
            ListenerFiltersTimeout = client.Mesh.ProtocolDetectionTimeout,
            MaxConnectionsToAcceptPerSocketEvent = 1,
        };
        if (port.Protocol == PortProtocol.Unsupported) listener.ListenerFilters.Add(ListenerFilters.HttpInspector());
        foreach (var chain in Chains(client, port))
        {
            chain.FilterChainMatch.DestinationPort = null;
            listener.FilterChains.Add(chain);
        }
        return listener;
    }

    private static IEnumerable<FilterChain> PassthroughChains(Client client)
    {
        yield return Http(client, "virtualInbound-catchall-http", ClusterName.InboundPassthrough, ClusterName.InboundPassthrough, "", 0, PortProtocol.Unsupported, true, 0);
        yield return Tcp(client, CatchAllName, ClusterName.InboundPassthrough, ClusterName.InboundPassthrough, 0);
    }

    private static IEnumerable<FilterChain> Chains(Client client, InboundPort port)
    {
        var listenerKind = port.Protocol == PortProtocol.HttpProxy ? ListenerProtocol.Http : port.Protocol.Listener();
        var stat = port.Service == null ? port.Cluster : StatNames.Inbound(client.Mesh, port.Cluster, port.Service, port.Port, port.Number);
        if (listenerKind is ListenerProtocol.Http or ListenerProtocol.Auto)
            yield return Metadata(port, Http(
                client, port.Name, "inbound_" + port.Name, port.Cluster, port.Service?.Hostname ?? "", port.Port.Port, port.Protocol,
                listenerKind == ListenerProtocol.Auto, port.Number));
        if (listenerKind is ListenerProtocol.Tcp or ListenerProtocol.Auto)
            yield return Metadata(port, Tcp(client, port.Name, stat, port.Cluster, port.Number));
    }

    private static FilterChain Metadata(InboundPort port, FilterChain chain)
    {
        if (port.MetadataPath.Length > 0) chain.Metadata = IstioMetadata.OfConfig(port.MetadataPath);
        return chain;
    }

    private static FilterChain Tcp(Client client, string name, string stat, string cluster, int port)
    {
        var chain = new FilterChain { Name = name, FilterChainMatch = Match(port, detectsHttp: false) };
        chain.Filters.AddRange(TcpProxies.Build(new TcpChain(stat, [new(cluster, 0)]) { Policies = client.Policies }, client.Mesh, client.Facets.Filters, client.Facets.Telemetry.AsServer));
        return chain;
    }

    private static FilterChain Http(
        Client client, string name, string stat, string cluster, string hostname, int servicePort, PortProtocol protocol, bool detects, int port)
    {
        var http = new HttpChain(ListenerClass.SidecarInbound, stat, "", protocol) { Routes = Routes(cluster, hostname, servicePort, protocol), Policies = client.Policies };
        return new()
        {
            Name = name,
            FilterChainMatch = Match(port, detects),
            Filters = { HttpConnections.Build(http, client.Mesh, client.Facets.Filters, client.Facets.AcceptsHttp10, client.Facets.Telemetry.AsServer) },
        };
    }

    private static FilterChainMatch Match(int port, bool detectsHttp)
    {
        var match = new FilterChainMatch { TransportProtocol = ListenerFilters.RawBuffer };
        if (port > 0) match.DestinationPort = (uint)port;
        if (detectsHttp) match.ApplicationProtocols.AddRange(ListenerFilters.PlainHttp);
        return match;
    }

    /// <summary>All requests of a port to the application, for as long as they take.</summary>
    private static RouteConfiguration Routes(string cluster, string hostname, int port, PortProtocol protocol)
    {
        var action = new RouteAction
        {
            Cluster = cluster,
            Timeout = Durations.Zero,
            MaxStreamDuration = new() { MaxStreamDuration_ = Durations.Zero, GrpcTimeoutHeaderMax = Durations.Zero },
        };
        // parity: pilot/pkg/networking/core/route/route.go#BuildDefaultHTTPInboundRoute: streams of gRPC must not be repeated
        if (protocol is not (PortProtocol.Grpc or PortProtocol.GrpcWeb)) action.RetryPolicy = RetryPolicies.Inbound();
        var route = new Route { Name = RouteBuilder.DefaultName, Match = RouteMatches.Any(), Decorator = new() { Operation = RouteBuilder.Operation(hostname, port) }, Route_ = action };
        return new()
        {
            Name = cluster,
            ValidateClusters = false,
            VirtualHosts = { new VirtualHost { Name = $"inbound|http|{port}", Domains = { "*" }, Routes = { route } } },
        };
    }
}
