using Lateen.Proxy.Network;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>What a choice may depend on.</summary>
/// <param name="Hash">Hash of the request by its hash policies; null when there is none.</param>
/// <param name="OriginalDestination">Where the client wanted to go.</param>
/// <param name="Tried">Hosts of earlier attempts, to be avoided; null for none.</param>
internal readonly record struct LoadBalancerContext(ulong? Hash, SocketAddress OriginalDestination, List<HostState>? Tried)
{
    /// <summary>Further picks when the one that came up is to be avoided. Source: host_selection_retry_max_attempts.</summary>
    public int ExtraPicks { get; init; } = 1;

    /// <summary>More reasons to avoid a host; null for none.</summary>
    public HostAvoidance? Avoid { get; init; }

    /// <summary>The subset that is asked for; null for the whole cluster.</summary>
    public SubsetCriteria? Criteria { get; init; }

    /// <summary>Loads that take the place of the set's own: a retry that avoids priorities.</summary>
    public PriorityLoads? Loads { get; init; }

    /// <summary>A host that the request is bound to by its session; it is taken when its health allows.</summary>
    public SocketAddress BoundTo { get; init; }

    /// <summary>Without the host that it is bound to the request is not served.</summary>
    public bool BoundStrictly { get; init; }

    /// <summary>Whether another host is to be looked for.</summary>
    public bool ShouldAvoid(HostState host) => Tried?.Contains(host) == true || Avoid?.Avoids(host) == true;
}

/// <summary>Hosts that a retry policy's predicates leave out. Immutable. Source: envoy.extensions.retry.host.</summary>
/// <param name="Canaries">Hosts whose metadata says canary.</param>
/// <param name="Labels">Hosts with all of these labels.</param>
internal sealed record HostAvoidance(bool Canaries, IReadOnlyDictionary<string, string> Labels)
{
    public bool Avoids(HostState host) =>
        Canaries && host.Labels.TryGetValue("canary", out var canary) && canary == "true"
        || Labels.Count > 0 && Labels.All(label => host.Labels.TryGetValue(label.Key, out var value) && value == label.Value);
}

/// <summary>Chooses a host of a group. Immutable: what changes with every pick stands in the group. Any worker.</summary>
internal interface ILoadBalancer
{
    /// <param name="group">The candidates.</param>
    /// <param name="context">What the choice may depend on.</param>
    /// <param name="worker">The worker that chooses.</param>
    /// <param name="attempt">0, then one more for each pick that was not accepted.</param>
    HostState? Pick(HostGroup group, in LoadBalancerContext context, Worker worker, int attempt);
}

/// <summary>The catalogue of balancers.</summary>
internal static class LoadBalancers
{
    public static ILoadBalancer Create(BalancerSettings settings) => settings.Kind switch
    {
        BalancerKind.LeastRequest => new LeastRequestBalancer(settings),
        BalancerKind.Random => new RandomBalancer(),
        BalancerKind.RingHash => new HashBalancer(settings, static (group, own) => new HashRing(group, own)),
        BalancerKind.Maglev => new HashBalancer(settings, static (group, own) => new MaglevTable(group, own)),
        _ => new RoundRobinBalancer(settings.SlowStart),
    };
}

/// <summary>In turn; by weight when weights differ or hosts are still warming up.</summary>
internal sealed class RoundRobinBalancer(SlowStart? slowStart) : ILoadBalancer
{
    public HostState? Pick(HostGroup group, in LoadBalancerContext context, Worker worker, int attempt)
    {
        if (group.Hosts.Length == 0) return null;
        return group.NeedsSchedule(slowStart, worker.Now) ? group.NextByWeight(worker, slowStart, activeBias: 0) : group.NextInTurn(worker);
    }
}

/// <summary>
/// The least busy of a few random hosts when weights are equal; otherwise in turn by weights that shrink with the requests in
/// flight. Source: Envoy's "Weighted least request".
/// </summary>
internal sealed class LeastRequestBalancer(BalancerSettings settings) : ILoadBalancer
{
    public HostState? Pick(HostGroup group, in LoadBalancerContext context, Worker worker, int attempt)
    {
        var hosts = group.Hosts;
        if (hosts.Length == 0) return null;
        if (group.NeedsSchedule(settings.SlowStart, worker.Now)) return group.NextByWeight(worker, settings.SlowStart, settings.ActiveRequestBias);
        return settings.FullScan ? Least(hosts, worker) : LeastOfSome(hosts, worker);
    }

    private HostState LeastOfSome(HostState[] hosts, Worker worker)
    {
        var best = hosts[worker.Random.Next(hosts.Length)];
        for (var i = 1; i < settings.ChoiceCount; i++)
        {
            var other = hosts[worker.Random.Next(hosts.Length)];
            if (other.Active < best.Active) best = other;
        }
        return best;
    }

    private static HostState Least(HostState[] hosts, Worker worker)
    {
        var best = hosts[0];
        var ties = 1;
        for (var i = 1; i < hosts.Length; i++)
        {
            var (own, least) = (hosts[i].Active, best.Active);
            if (own > least) continue;
            ties = own < least ? 1 : ties + 1;
            // Each of those that are equal wins with the same chance.
            if (own < least || worker.Random.Next(ties) == 0) best = hosts[i];
        }
        return best;
    }
}

/// <summary>Any host; weights do not count. Source: Envoy's "Random".</summary>
internal sealed class RandomBalancer : ILoadBalancer
{
    public HostState? Pick(HostGroup group, in LoadBalancerContext context, Worker worker, int attempt) =>
        group.Hosts.Length == 0 ? null : group.Hosts[worker.Random.Next(group.Hosts.Length)];
}
