using System.Text.Json.Nodes;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Tests.Harness;

/// <summary>Everything that a proxy would be sent, decoded.</summary>
internal sealed class Resources
{
    public Resources(Client client)
    {
        Clusters = Decode(Generator.Clusters(client).All, Cluster.Parser, c => c.Name);
        Listeners = Decode(Generator.Listeners(client).All, Listener.Parser, l => l.Name);
        Routes = Decode(RouteNames().Select(n => Generator.Route(client, n)), RouteConfiguration.Parser, r => r.Name);
        Endpoints = Decode(
            Clusters.Values.Where(c => c.Type == Cluster.Types.DiscoveryType.Eds).Select(c => Generator.Endpoints(client, c.EdsClusterConfig.ServiceName)),
            ClusterLoadAssignment.Parser, e => e.ClusterName);
    }

    public IReadOnlyDictionary<string, Cluster> Clusters { get; }
    public IReadOnlyDictionary<string, Listener> Listeners { get; }
    public IReadOnlyDictionary<string, RouteConfiguration> Routes { get; }
    public IReadOnlyDictionary<string, ClusterLoadAssignment> Endpoints { get; }

    public VirtualHost Host(string route, string domain) => Routes[route].VirtualHosts.Single(h => h.Domains.Contains(domain));

    public IEnumerable<string> AddressesOf(string cluster) =>
        Endpoints[cluster].Endpoints.SelectMany(l => l.LbEndpoints).Select(e => e.Endpoint.Address.SocketAddress.Address);

    public static T Unpack<T>(EncodedResource resource, MessageParser<T> parser) where T : IMessage<T> => parser.ParseFrom(Any.Parser.ParseFrom(resource.Any).Value);

    /// <summary>The names that the listeners ask routes for.</summary>
    private IEnumerable<string> RouteNames()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var listener in Listeners.Values)
            foreach (var chain in listener.FilterChains.Append(listener.DefaultFilterChain).Where(c => c != null))
                foreach (var filter in chain.Filters)
                    if (filter.TypedConfig.TryUnpack<Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager>(out var manager) && manager.Rds != null)
                        names.Add(manager.Rds.RouteConfigName);
        return names;
    }

    private static Dictionary<string, T> Decode<T>(IEnumerable<EncodedResource> resources, MessageParser<T> parser, Func<T, string> nameOf) where T : IMessage<T>
    {
        var all = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var resource in resources)
        {
            var message = Unpack(resource, parser);
            Assert.Equal(resource.Name, nameOf(message));
            all.Add(resource.Name, message);
        }
        return all;
    }
}

/// <summary>Messages as Envoy's admin pages show them.</summary>
internal static class EnvoyJson
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithTypeRegistry(AllTypes()));

    public static JsonNode Of(IMessage message) => JsonNode.Parse(Formatter.Format(message))!;

    private static TypeRegistry AllTypes() =>
        TypeRegistry.FromMessages(typeof(Cluster).Assembly.GetTypes()
            .Where(t => typeof(IMessage).IsAssignableFrom(t) && !t.IsAbstract && t.GetProperty("Descriptor") != null)
            .Select(t => (MessageDescriptor)t.GetProperty("Descriptor", System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Public)!.GetValue(null)!));
}
