using Lateen.Pilot.Networking.Clusters;
using Lateen.Pilot.Networking.Endpoints;
using Lateen.Pilot.Networking.Gateways;
using Lateen.Pilot.Networking.Listeners;
using Lateen.Pilot.Networking.Routes;

namespace Lateen.Pilot.Networking;

/// <summary>All resources of a proxy, by type. Any thread; what several proxies share is made once.</summary>
internal static class Generator
{
    public static ResourceList Clusters(Client client)
    {
        var outbound = OutboundClusters.All(client);
        var builtIn = client.Mesh.Generated.Get(("built-in clusters", client.Node.Kind), client, static c => BuiltIn(c));
        if (!client.IsRouter) return new(outbound, InboundClusters.Get(client), builtIn);
        return client.Gateway.HasAutoPassthrough ? new(builtIn, outbound, OutboundClusters.All(client, sni: true)) : new(builtIn, outbound);
    }

    public static ResourceList Listeners(Client client)
    {
        if (client.IsRouter) return new(GatewayListeners.Get(client));
        List<EncodedResource> own = [.. InboundListeners.Get(client)];
        if (VirtualOutbound.HttpProxy(client) is { } proxy) own.Add(proxy);
        if (client.Node.Interception != Model.InterceptionMode.None) own.Add(VirtualOutbound.Get(client));
        return new(OutboundListeners.Get(client), [.. own]);
    }

    public static EncodedResource Route(Client client, string name) => client.IsRouter ? GatewayRoutes.Get(client, name) : SidecarRoutes.Get(client, name);

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
