using Envoy.Config.Cluster.V3;
using Envoy.Extensions.LoadBalancingPolicies.ClusterProvided.V3;
using Envoy.Extensions.LoadBalancingPolicies.Common.V3;
using Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3;
using Envoy.Extensions.LoadBalancingPolicies.Maglev.V3;
using Envoy.Extensions.LoadBalancingPolicies.OverrideHost.V3;
using Envoy.Extensions.LoadBalancingPolicies.RingHash.V3;
using Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3;
using Envoy.Extensions.LoadBalancingPolicies.Subset.V3;
using Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using RandomPolicy = Envoy.Extensions.LoadBalancingPolicies.Random.V3.Random;

namespace Lateen.Proxy.Compile;

/// <summary>How a cluster balances, with what decides who may be chosen.</summary>
internal sealed record CompiledBalancer(BalancerSettings Settings, HostSetRules Rules, SubsetSettings? Subsets);

/// <summary>lb_policy and its companions, or load_balancing_policy → balancer settings. Pure.</summary>
internal static class BalancerCompiler
{
    private const int MostPoints = 8 * 1024 * 1024, LargestTable = 5_000_011;

    public static CompiledBalancer Compile(Cluster cluster, DiscoveryType discovery)
    {
        var common = cluster.CommonLbConfig;
        var rules = new HostSetRules(
            Panic(common?.HealthyPanicThreshold?.Value), LocalityWeighted: common?.LocalityWeightedLbConfig is not null, FailOnPanic: common?.ZoneAwareLbConfig?.FailTrafficOnPanic ?? false);
        if (cluster.LoadBalancingPolicy is { } policy) return Extension(policy, new CompiledBalancer(new BalancerSettings(BalancerKind.RoundRobin), rules with { LocalityWeighted = false }, null), "load_balancing_policy", discovery);
        var settings = Old(cluster) with
        {
            HashHostname = common?.ConsistentHashingLbConfig?.UseHostnameForHashing ?? false,
            BalanceFactor = BalanceFactor(common?.ConsistentHashingLbConfig?.HashBalanceFactor, "common_lb_config.consistent_hashing_lb_config"),
        };
        CheckProvided(settings.Kind, discovery, "lb_policy");
        return new CompiledBalancer(settings, rules, cluster.LbSubsetConfig is { } subset && subset.SubsetSelectors.Count > 0 ? SubsetCompiler.Compile(subset, "lb_subset_config") : null);
    }

    private static BalancerSettings Old(Cluster cluster)
    {
        switch (cluster.LbPolicy)
        {
            case Cluster.Types.LbPolicy.RoundRobin:
                var slow = cluster.RoundRobinLbConfig?.SlowStartConfig;
                return new BalancerSettings(BalancerKind.RoundRobin) { SlowStart = SlowStart(slow?.SlowStartWindow, slow?.Aggression?.DefaultValue, slow?.MinWeightPercent?.Value, "round_robin_lb_config.slow_start_config") };
            case Cluster.Types.LbPolicy.LeastRequest:
                var least = cluster.LeastRequestLbConfig;
                return new BalancerSettings(BalancerKind.LeastRequest)
                {
                    ChoiceCount = Choices(least?.ChoiceCount, "least_request_lb_config.choice_count"),
                    ActiveRequestBias = Bias(least?.ActiveRequestBias?.DefaultValue, "least_request_lb_config.active_request_bias"),
                    SlowStart = SlowStart(least?.SlowStartConfig?.SlowStartWindow, least?.SlowStartConfig?.Aggression?.DefaultValue, least?.SlowStartConfig?.MinWeightPercent?.Value, "least_request_lb_config.slow_start_config"),
                };
            case Cluster.Types.LbPolicy.Random:
                return new BalancerSettings(BalancerKind.Random);
            case Cluster.Types.LbPolicy.RingHash:
                var ring = cluster.RingHashLbConfig;
                return Ring(ring?.MinimumRingSize, ring?.MaximumRingSize, ring?.HashFunction == Cluster.Types.RingHashLbConfig.Types.HashFunction.MurmurHash2, "ring_hash_lb_config");
            case Cluster.Types.LbPolicy.Maglev:
                return new BalancerSettings(BalancerKind.Maglev) { TableSize = TableSize(cluster.MaglevLbConfig?.TableSize, "maglev_lb_config.table_size") };
            case Cluster.Types.LbPolicy.ClusterProvided:
                return new BalancerSettings(BalancerKind.ClusterProvided);
            default:
                throw new ConfigRefusedException("lb_policy", $"{cluster.LbPolicy} is not supported");
        }
    }

    /// <summary>The first policy of the list that is known, as Envoy takes it.</summary>
    private static CompiledBalancer Extension(LoadBalancingPolicy policy, CompiledBalancer outer, string path, DiscoveryType discovery)
    {
        for (var i = 0; i < policy.Policies.Count; i++)
        {
            var at = $"{path}.policies[{i}].typed_extension_config.typed_config";
            if (policy.Policies[i].TypedExtensionConfig?.TypedConfig is { } any && Known(any, outer, at, discovery) is { } known) return known;
        }
        throw new ConfigRefusedException(path, policy.Policies.Count == 0 ? "names no policy" : $"none of the policies is supported: {string.Join(", ", policy.Policies.Select(one => one.TypedExtensionConfig?.TypedConfig?.TypeUrl ?? "(none)"))}");
    }

    private static CompiledBalancer? Known(Any any, CompiledBalancer outer, string path, DiscoveryType discovery)
    {
        if (any.TryRead<RoundRobin>(out var round))
            return With(outer, round.LocalityLbConfig, new BalancerSettings(BalancerKind.RoundRobin) { SlowStart = SlowStart(round.SlowStartConfig, path) });
        if (any.TryRead<LeastRequest>(out var least))
#pragma warning disable CS0612 // The older field is still sent.
            return With(outer, least.LocalityLbConfig, new BalancerSettings(BalancerKind.LeastRequest)
            {
                ChoiceCount = Choices(least.ChoiceCount, path + ".choice_count"),
                FullScan = least.SelectionMethod == LeastRequest.Types.SelectionMethod.FullScan || least.EnableFullScan is true,
                ActiveRequestBias = Bias(least.ActiveRequestBias?.DefaultValue, path + ".active_request_bias"),
                SlowStart = SlowStart(least.SlowStartConfig, path),
            });
        if (any.TryRead<RandomPolicy>(out var random)) return With(outer, random.LocalityLbConfig, new BalancerSettings(BalancerKind.Random));
        if (any.TryRead<RingHash>(out var ring))
            return Hashed(
                outer, Ring(ring.MinimumRingSize, ring.MaximumRingSize, ring.HashFunction == RingHash.Types.HashFunction.MurmurHash2, path), ring.ConsistentHashingLbConfig,
                ring.LocalityWeightedLbConfig is not null, ring.UseHostnameForHashing, ring.HashBalanceFactor, path);
#pragma warning restore CS0612
        if (any.TryRead<Maglev>(out var maglev))
            return Hashed(
                outer, new BalancerSettings(BalancerKind.Maglev) { TableSize = TableSize(maglev.TableSize, path + ".table_size") }, maglev.ConsistentHashingLbConfig,
                maglev.LocalityWeightedLbConfig is not null, false, null, path);
        if (any.Is(ClusterProvided.Descriptor))
        {
            CheckProvided(BalancerKind.ClusterProvided, discovery, path);
            return outer with { Settings = new BalancerSettings(BalancerKind.ClusterProvided) };
        }
        CheckProvided(BalancerKind.RoundRobin, discovery, path);
        if (any.TryRead<WrrLocality>(out var localities))
            return Extension(localities.EndpointPickingPolicy ?? new LoadBalancingPolicy(), outer with { Rules = outer.Rules with { LocalityWeighted = true } }, path + ".endpoint_picking_policy", discovery);
        if (any.TryRead<Subset>(out var subset))
            return Extension(subset.SubsetLbPolicy ?? new LoadBalancingPolicy(), outer with { Subsets = SubsetCompiler.Compile(subset, path) }, path + ".subset_lb_policy", discovery);
        if (!any.TryRead<OverrideHost>(out var bound)) return null;
        var inner = Extension(bound.FallbackPolicy ?? new LoadBalancingPolicy(), outer, path + ".fallback_policy", discovery);
        return inner with { Settings = inner.Settings with { OverrideSources = [.. bound.OverrideHostSources.Select(Source)] } };
    }

    private static OverrideSource Source(OverrideHost.Types.OverrideHostSource source) =>
        new(source.Header.ToLowerInvariant(), source.Metadata?.Key ?? "", [.. source.Metadata?.Path.Select(segment => segment.Key) ?? []]);

    private static CompiledBalancer With(CompiledBalancer outer, LocalityLbConfig? locality, BalancerSettings settings) => outer with
    {
        Settings = settings,
        Rules = outer.Rules with
        {
            LocalityWeighted = outer.Rules.LocalityWeighted || locality?.LocalityWeightedLbConfig is not null,
            FailOnPanic = outer.Rules.FailOnPanic || locality?.ZoneAwareLbConfig?.FailTrafficOnPanic == true,
        },
    };

    private static CompiledBalancer Hashed(CompiledBalancer outer, BalancerSettings settings, ConsistentHashingLbConfig? hashing, bool localityWeighted, bool hostname, uint? factor, string path)
    {
        if (hashing is { HashPolicy.Count: > 0 }) throw new ConfigRefusedException(path + ".consistent_hashing_lb_config.hash_policy", "is not supported: set it on the route");
        return outer with
        {
            Settings = settings with
            {
                HashHostname = hashing?.UseHostnameForHashing ?? hostname,
                BalanceFactor = BalanceFactor(hashing?.HashBalanceFactor ?? factor, path),
            },
            Rules = outer.Rules with { LocalityWeighted = outer.Rules.LocalityWeighted || localityWeighted },
        };
    }

    private static void CheckProvided(BalancerKind kind, DiscoveryType discovery, string path)
    {
        // parity: Envoy refuses both mixtures.
        if (discovery == DiscoveryType.OriginalDestination && kind != BalancerKind.ClusterProvided)
            throw new ConfigRefusedException(path, "is not valid for a cluster of type ORIGINAL_DST: only CLUSTER_PROVIDED is");
        if (discovery != DiscoveryType.OriginalDestination && kind == BalancerKind.ClusterProvided)
            throw new ConfigRefusedException(path, "CLUSTER_PROVIDED is for clusters of type ORIGINAL_DST only");
    }

    private static BalancerSettings Ring(ulong? least, ulong? most, bool murmur, string path)
    {
        var (min, max) = (least ?? 1024, most ?? MostPoints);
        if (min > MostPoints) throw new ConfigRefusedException(path + ".minimum_ring_size", $"{min} is more than {MostPoints}");
        if (max > MostPoints) throw new ConfigRefusedException(path + ".maximum_ring_size", $"{max} is more than {MostPoints}");
        if (min > max) throw new ConfigRefusedException(path + ".minimum_ring_size", $"{min} is more than maximum_ring_size, {max}");
        return new BalancerSettings(BalancerKind.RingHash) { MinRingSize = (long)min, MaxRingSize = (long)max, UseMurmur = murmur };
    }

    private static int TableSize(ulong? given, string path)
    {
        if (given is not { } size) return 65537;
        if (size is < 2 or > LargestTable) throw new ConfigRefusedException(path, $"{size} is not between 2 and {LargestTable}");
        for (ulong divisor = 2; divisor * divisor <= size; divisor++)
            if (size % divisor == 0)
                throw new ConfigRefusedException(path, $"{size} is not a prime number");
        return (int)size;
    }

    private static int Choices(uint? given, string path) =>
        given is < 2 ? throw new ConfigRefusedException(path, "must be at least 2") : (int)Math.Min(given ?? 2, 1 << 20);

    private static double Bias(double? given, string path) =>
        given is < 0 ? throw new ConfigRefusedException(path, "must not be below 0") : given ?? 1;

    private static int BalanceFactor(uint? given, string path) =>
        given is > 0 and < 100 ? throw new ConfigRefusedException(path + ".hash_balance_factor", "must be at least 100") : (int)(given ?? 0);

    private static double Panic(double? given) =>
        given is < 0 or > 100 ? throw new ConfigRefusedException("common_lb_config.healthy_panic_threshold", "is not between 0 and 100") : given ?? 50;

    private static SlowStart? SlowStart(SlowStartConfig? config, string path) =>
        SlowStart(config?.SlowStartWindow, config?.Aggression?.DefaultValue, config?.MinWeightPercent?.Value, path + ".slow_start_config");

    private static SlowStart? SlowStart(Duration? window, double? aggression, double? leastPercent, string path)
    {
        if (Durations.Ms(window) is not ({ } ms and > 0)) return null;
        if (aggression is <= 0) throw new ConfigRefusedException(path + ".aggression", "must be above 0");
        return new SlowStart(ms, aggression ?? 1, Math.Clamp(leastPercent ?? 10, 0, 100) / 100);
    }
}
