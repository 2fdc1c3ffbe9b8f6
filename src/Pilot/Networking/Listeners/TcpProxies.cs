using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.MongoProxy.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking.Security;
using Lateen.Pilot.Push;
using HashPolicy = Envoy.Type.V3.HashPolicy;
using ClusterWeight = Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy.Types.WeightedCluster.Types.ClusterWeight;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>A cluster and its share of connections; without weight the only one. Immutable.</summary>
internal readonly record struct TcpTarget(string Cluster, uint Weight);

/// <summary>Where a TCP filter chain leads: all that a cache key needs to know of it. Immutable.</summary>
internal sealed class TcpChain(string statPrefix, IEnumerable<TcpTarget> targets) : IEquatable<TcpChain>
{
    public string StatPrefix { get; } = statPrefix;
    public ImmutableArray<TcpTarget> Targets { get; } = [.. targets];

    /// <summary>The rule of the only destination: idle timeout, longest life, hash.</summary>
    public DestinationRuleEntry? Rule { get; init; }

    public PortProtocol Protocol { get; init; } = PortProtocol.Tcp;
    public bool IsLogged { get; init; } = true;

    /// <summary>What the operator demands of connections.</summary>
    public WorkloadPolicies Policies { get; init; } = WorkloadPolicies.None;

    /// <summary>The same chain for which these policies count.</summary>
    public TcpChain Under(WorkloadPolicies policies) => new(StatPrefix, Targets) { Rule = Rule, Protocol = Protocol, IsLogged = IsLogged, Policies = policies };

    public bool Equals(TcpChain? other) =>
        other != null && StatPrefix == other.StatPrefix && ReferenceEquals(Rule, other.Rule) && Protocol == other.Protocol
        && IsLogged == other.IsLogged && Policies.Equals(other.Policies) && Targets.AsSpan().SequenceEqual(other.Targets.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as TcpChain);

    public override int GetHashCode() => HashCode.Combine(StatPrefix, Protocol, Targets.Length > 0 ? Targets[0] : default, Targets.Length);
}

/// <summary>The network filters of a TCP chain (pilot/pkg/networking/core/networkfilter.go).</summary>
internal static class TcpProxies
{
    public static IEnumerable<Filter> Build(TcpChain chain, MeshSettings mesh, FilterSupport filters, TelemetryPlan telemetry)
    {
        foreach (var rules in AuthorizationFilters.Network(chain.Policies, mesh)) yield return rules;
        if (chain.Protocol == PortProtocol.Mongo && filters.HasFlag(FilterSupport.Mongo))
            yield return new() { Name = "envoy.filters.network.mongo_proxy", TypedConfig = Any.Pack(new MongoProxy { StatPrefix = chain.StatPrefix }) };
        var proxy = new TcpProxy { StatPrefix = chain.StatPrefix };
        if (chain.Targets.Length == 1) proxy.Cluster = chain.Targets[0].Cluster;
        else
        {
            proxy.WeightedClusters = new();
            foreach (var target in chain.Targets) proxy.WeightedClusters.Clusters.Add(new ClusterWeight { Name = target.Cluster, Weight = target.Weight });
        }
        if (chain.Rule != null) Apply(proxy, chain.Rule.Rule.TrafficPolicy);
        if (chain.IsLogged) proxy.AccessLog.AddRange(AccessLogs.Of(mesh, telemetry));
        yield return new() { Name = "envoy.filters.network.tcp_proxy", TypedConfig = Any.Pack(proxy) };
    }

    private static void Apply(TcpProxy proxy, TrafficPolicy? policy)
    {
        var tcp = policy?.ConnectionPool?.Tcp;
        if (tcp?.IdleTimeout != null) proxy.IdleTimeout = tcp.IdleTimeout;
        if (tcp?.MaxConnectionDuration != null) proxy.MaxDownstreamConnectionDuration = tcp.MaxConnectionDuration;
        var balancer = policy?.LoadBalancer;
        if (balancer?.LbPolicyCase == LoadBalancerSettings.LbPolicyOneofCase.ConsistentHash && balancer.ConsistentHash.UseSourceIp)
            proxy.HashPolicy.Add(new HashPolicy { SourceIp = new() });
    }
}
