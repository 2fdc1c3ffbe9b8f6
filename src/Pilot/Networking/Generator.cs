using Lateen.Pilot.Networking.Clusters;
using Lateen.Pilot.Networking.Endpoints;
using Lateen.Pilot.Networking.Gateways;
using Lateen.Pilot.Networking.Grpc;
using Lateen.Pilot.Networking.Listeners;
using Lateen.Pilot.Networking.Routes;

namespace Lateen.Pilot.Networking;

/// <summary>All resources of a proxy, by type. Any thread; what several proxies share is made once.</summary>
internal static class Generator
{
    /// <param name="client">The proxy.</param>
    /// <param name="wanted">What it asks for by name, null for everything: gRPC programs dial names that no list has.</param>
    public static ResourceList Clusters(Client client, IReadOnlySet<string>? wanted = null)
    {
        if (client.Node.IsGrpc) return new(GrpcDestinations.Clusters(client, wanted));
        var outbound = OutboundClusters.All(client);
        var builtIn = client.Mesh.Generated.Get(("built-in clusters", client.Node.Kind), client, static c => BuiltIn(c));
        if (!client.IsRouter) return new(outbound, InboundClusters.Get(client), builtIn);
        return client.Gateway.HasAutoPassthrough ? new(builtIn, outbound, OutboundClusters.All(client, sni: true)) : new(builtIn, outbound);
    }

    /// <inheritdoc cref="Clusters"/>
    public static ResourceList Listeners(Client client, IReadOnlySet<string>? wanted = null)
    {
        if (client.Node.IsGrpc) return new(GrpcListeners.Get(client, wanted));
        if (client.IsRouter) return new(GatewayListeners.Get(client));
        List<EncodedResource> own = [.. InboundListeners.Get(client)];
        if (VirtualOutbound.HttpProxy(client) is { } proxy) own.Add(proxy);
        if (client.Node.Interception != Model.InterceptionMode.None) own.Add(VirtualOutbound.Get(client));
        return new(OutboundListeners.Get(client), [.. own]);
    }

    public static EncodedResource Route(Client client, string name) =>
        client.Node.IsGrpc ? GrpcDestinations.Route(client, name) : client.IsRouter ? GatewayRoutes.Get(client, name) : SidecarRoutes.Get(client, name);

    public static EncodedResource Endpoints(Client client, string cluster) => EndpointResources.Get(client, cluster);

    private static EncodedResource[] BuiltIn(Client client)
    {
        var mesh = client.Mesh;
        var clusters = client.IsRouter
            ? new[] { BuiltInClusters.BlackHole(mesh) }
            : [BuiltInClusters.BlackHole(mesh), BuiltInClusters.Passthrough(mesh), BuiltInClusters.InboundPassthrough(mesh)];
        return [.. clusters.Select(c => EncodedResource.Encode(c.Name, c))];
    }
}
