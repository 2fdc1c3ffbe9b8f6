using System.Globalization;
using System.Text.Json.Nodes;
using Envoy.Admin.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Api;
using Lateen.Pilot.Discovery;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Debug;

/// <summary>
/// What Pilot knows of the proxies, as JSON with istiod's names. Resources are those that a proxy should have by now. Any thread.
/// </summary>
internal static class ProxyPages
{
    /// <summary>Who is connected, and what each asked for.</summary>
    public static JsonObject Connections(DiscoveryServer discovery)
    {
        var clients = new JsonArray();
        foreach (var proxy in Ordered(discovery))
        {
            var watches = new JsonObject();
            foreach (var type in System.Enum.GetValues<ResourceType>())
                if (proxy.Watches[(int)type] is { } watch)
                    watches[type.Url()] = new JsonArray([.. (watch.Names ?? []).Order(StringComparer.Ordinal).Select(n => JsonValue.Create(n))]);
            clients.Add(new JsonObject
            {
                ["connectionId"] = proxy.Id,
                ["connectedAt"] = proxy.Connected.ToString("O", CultureInfo.InvariantCulture),
                ["address"] = proxy.Peer,
                ["delta"] = proxy.IsDelta,
                ["labels"] = new JsonObject(proxy.Node.Labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)JsonValue.Create(l.Value)))),
                ["watches"] = watches,
            });
        }
        return new() { ["totalClients"] = clients.Count, ["clients"] = clients };
    }

    /// <summary>The nonces that each proxy was sent and accepted, by type.</summary>
    public static JsonArray Synchronization(DiscoveryServer discovery) => new([.. Ordered(discovery).Select(proxy =>
    {
        var status = new JsonObject
        {
            ["cluster_id"] = proxy.Node.ClusterId,
            ["proxy"] = proxy.Node.Name,
            ["proxy_type"] = proxy.Node.Kind == ProxyKind.Router ? "router" : "sidecar",
            ["istio_version"] = proxy.Node.IstioVersion,
        };
        foreach (var (type, name) in new[]
        {
            (ResourceType.Cluster, "cluster"), (ResourceType.Listener, "listener"), (ResourceType.Route, "route"), (ResourceType.Endpoint, "endpoint"),
        })
            if (proxy.Watches[(int)type] is { NonceSent.Length: > 0 } watch)
            {
                status[$"{name}_sent"] = watch.NonceSent;
                status[$"{name}_acked"] = watch.NonceAcked;
                if (watch.Error.Length > 0) status[$"{name}_error"] = watch.Error;
            }
        return (JsonNode)status;
    })]);

    public static JsonArray Clusters(DiscoveryServer discovery, ProxyConnection proxy) => Resources(Generator.Clusters(ClientOf(discovery, proxy)).All);

    public static JsonArray Endpoints(DiscoveryServer discovery, ProxyConnection proxy)
    {
        var client = ClientOf(discovery, proxy);
        return Resources(Names(proxy, ResourceType.Endpoint).Select(n => Generator.Endpoints(client, n)));
    }

    /// <summary>In the shape of the page of this name that Envoy itself has.</summary>
    public static JsonObject ConfigDump(DiscoveryServer discovery, ProxyConnection proxy)
    {
        var client = ClientOf(discovery, proxy);
        var version = client.Snapshot.Version;
        var clusters = new ClustersConfigDump { VersionInfo = version };
        foreach (var resource in Generator.Clusters(client).All)
            clusters.DynamicActiveClusters.Add(new ClustersConfigDump.Types.DynamicCluster { VersionInfo = version, Cluster = AnyOf(resource) });
        var listeners = new ListenersConfigDump { VersionInfo = version };
        foreach (var resource in Generator.Listeners(client).All)
            listeners.DynamicListeners.Add(new ListenersConfigDump.Types.DynamicListener { Name = resource.Name, ActiveState = new() { VersionInfo = version, Listener = AnyOf(resource) } });
        var routes = new RoutesConfigDump();
        foreach (var name in Names(proxy, ResourceType.Route))
            routes.DynamicRouteConfigs.Add(new RoutesConfigDump.Types.DynamicRouteConfig { VersionInfo = version, RouteConfig = AnyOf(Generator.Route(client, name)) });
        var endpoints = new EndpointsConfigDump();
        foreach (var name in Names(proxy, ResourceType.Endpoint))
            endpoints.DynamicEndpointConfigs.Add(new EndpointsConfigDump.Types.DynamicEndpointConfig { VersionInfo = version, EndpointConfig = AnyOf(Generator.Endpoints(client, name)) });
        var dump = new ConfigDump { Configs = { Any.Pack(clusters), Any.Pack(listeners), Any.Pack(routes), Any.Pack(endpoints) } };
        return JsonNode.Parse(AnyRegistry.ProtoNameFormatter.Format(dump))!.AsObject();
    }

    /// <summary>How each destination and this client speak to each other: proxies take plain text, whatever a rule wants to send.</summary>
    public static JsonArray Authentication(DiscoveryServer discovery, ProxyConnection proxy)
    {
        var client = ClientOf(discovery, proxy);
        var list = new JsonArray();
        foreach (var service in client.Scope.Services.All.OrderBy(s => s.Hostname, StringComparer.Ordinal))
            foreach (var port in service.Ports)
            {
                var rule = client.RuleFor(service.Hostname);
                var mode = TrafficPolicies.For(rule?.Rule, null, port.Port).Tls?.Mode ?? ClientTLSSettings.Types.TLSmode.Disable;
                var sends = mode switch
                {
                    ClientTLSSettings.Types.TLSmode.Disable => "HTTP",
                    ClientTLSSettings.Types.TLSmode.IstioMutual => "mTLS",
                    ClientTLSSettings.Types.TLSmode.Simple => "TLS",
                    _ => "custom mTLS",
                };
                var takes = service.IsMeshExternal ? "UNKNOWN" : "HTTP";
                list.Add(new JsonObject
                {
                    ["host"] = service.Hostname,
                    ["port"] = port.Port,
                    ["authentication_policy_name"] = "-",
                    ["destination_rule_name"] = rule == null ? "-" : $"{rule.Namespace}/{rule.Sources[0].Name}",
                    ["server_protocol"] = takes,
                    ["client_protocol"] = sends,
                    ["TLS_conflict_status"] = takes == "UNKNOWN" || takes == sends ? "OK" : "CONFLICT",
                });
            }
        return list;
    }

    private static Client ClientOf(DiscoveryServer discovery, ProxyConnection proxy) => new(proxy.Node, discovery.Current);

    private static IEnumerable<string> Names(ProxyConnection proxy, ResourceType type) =>
        (proxy.Watches[(int)type]?.Names ?? []).Order(StringComparer.Ordinal);

    private static IEnumerable<ProxyConnection> Ordered(DiscoveryServer discovery) => discovery.Proxies.OrderBy(p => p.Id, StringComparer.Ordinal);

    private static JsonArray Resources(IEnumerable<EncodedResource> resources) =>
        new([.. resources.Select(r => JsonNode.Parse(AnyRegistry.ProtoNameFormatter.Format(AnyOf(r))))]);

    private static Any AnyOf(EncodedResource resource) => Any.Parser.ParseFrom(resource.Any);
}
