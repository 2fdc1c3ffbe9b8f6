using System.Globalization;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>The way from a sidecar to its own application: one cluster for each port of the workload.</summary>
internal static class InboundClusters
{
    /// <summary>Never: hosts of these clusters are the workload itself.</summary>
    private const long CleanupSeconds = 9_223_372_035;

    public static EncodedResource[] Get(Client client)
    {
        var ports = client.Inbound;
        var rules = new RuleList([.. ports.All.Select(p => p.Service == null ? null : Rule(client, p.Service))]);
        return client.Mesh.Generated.Get(new Key(ports, rules), (client.Mesh, ports, rules), static s => Build(s.Mesh, s.ports, s.rules));
    }

    /// <summary>Settings for clients of some labels do not count on the server's side.</summary>
    private static DestinationRuleEntry? Rule(Client client, Service service) =>
        client.Scope.Services.RuleFor(service.Hostname, Labels.None, client.Node.Namespace);

    private static EncodedResource[] Build(MeshSettings mesh, InboundPorts ports, RuleList rules) =>
        [.. ports.All.Zip(rules.All, (port, rule) => Build(mesh, port, rule)).DistinctBy(c => c.Name).Select(c => EncodedResource.Encode(c.Name, c))];

    private static Cluster Build(MeshSettings mesh, InboundPort port, DestinationRuleEntry? rule)
    {
        var stat = port.Service == null ? port.Cluster : StatNames.Inbound(mesh, port.Cluster, port.Service, port.Port, port.Number);
        var cluster = new Cluster { Name = port.Cluster, AltStatName = stat + ";", CommonLbConfig = new() };
        var path = rule?.Rule.TrafficPolicy != null ? rule.MetadataPath : null;
        if (port.Services.All.Length > 0 || path != null) cluster.Metadata = IstioMetadata.OfCluster(port.Services.All, path, "", external: false);
        if (port.Endpoint.Length == 0)
        {
            cluster.Type = Cluster.Types.DiscoveryType.OriginalDst;
            cluster.CleanupInterval = Durations.Seconds(CleanupSeconds);
            cluster.UpstreamBindConfig = BuiltInClusters.SourceAddress();
        }
        else
        {
            cluster.Type = Cluster.Types.DiscoveryType.Static;
            cluster.LoadAssignment = Assignment(port);
        }
        var policy = TrafficPolicies.For(rule?.Rule, null, port.Port.Port);
        var pool = new EffectivePolicy { ConnectionPool = port.ConnectionPool ?? policy.ConnectionPool };
        ConnectionPools.Apply(cluster, mesh, pool, port.Protocol, inbound: true);
        cluster.LbPolicy = port.Endpoint.Length == 0 ? Cluster.Types.LbPolicy.ClusterProvided : Cluster.Types.LbPolicy.RoundRobin;
        return cluster;
    }

    private static ClusterLoadAssignment Assignment(InboundPort port)
    {
        Address address;
        if (port.Endpoint.StartsWith("unix://", StringComparison.Ordinal)) address = new() { Pipe = new() { Path = port.Endpoint["unix://".Length..] } };
        else
        {
            var colon = port.Endpoint.LastIndexOf(':');
            var number = uint.TryParse(port.Endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : (uint)port.Number;
            address = new() { SocketAddress = new() { Address = colon < 0 ? port.Endpoint : port.Endpoint[..colon].Trim('[', ']'), PortValue = number } };
        }
        return new() { ClusterName = port.Cluster, Endpoints = { new LocalityLbEndpoints { LbEndpoints = { new LbEndpoint { Endpoint = new() { Address = address } } } } } };
    }

    private sealed record Key(InboundPorts Ports, RuleList Rules);

    private sealed class RuleList(DestinationRuleEntry?[] all) : IEquatable<RuleList>
    {
        public DestinationRuleEntry?[] All { get; } = all;

        public bool Equals(RuleList? other) => other != null && All.AsSpan().SequenceEqual(other.All, ReferenceEqualityComparer.Instance);

        public override bool Equals(object? obj) => Equals(obj as RuleList);

        public override int GetHashCode() => All.Length;
    }
}
