using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Push;
using LbPolicy = Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy;
using SimpleLB = Istio.Networking.V1Alpha3.LoadBalancerSettings.Types.SimpleLB;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>How a cluster chooses among its hosts (pilot/pkg/networking/core/cluster_traffic_policy.go#applyLoadBalancer).</summary>
internal static class LoadBalancers
{
    private const ulong DefaultMinimumRingSize = 1024;

    public static void Apply(Cluster cluster, LoadBalancerSettings? settings, MeshSettings mesh)
    {
        if (cluster.Type == Cluster.Types.DiscoveryType.OriginalDst)
        {
            cluster.LbPolicy = LbPolicy.ClusterProvided;
            return;
        }
        if (LocalityBalancing.Effective(settings, mesh) is { } locality
            && (locality.Distribute.Count > 0 || (cluster.OutlierDetection != null && (locality.Failover.Count > 0 || locality.FailoverPriority.Count > 0))))
            cluster.CommonLbConfig.LocalityWeightedLbConfig = new();

        switch (settings?.LbPolicyCase == LoadBalancerSettings.LbPolicyOneofCase.Simple ? settings.Simple : SimpleLB.Unspecified)
        {
            case SimpleLB.Random:
                cluster.LbPolicy = LbPolicy.Random;
                break;
            case SimpleLB.RoundRobin:
                cluster.LbPolicy = LbPolicy.RoundRobin;
                if (SlowStart(settings) is { } slow) cluster.RoundRobinLbConfig = new() { SlowStartConfig = slow };
                break;
            case SimpleLB.Passthrough:
                cluster.LbPolicy = LbPolicy.ClusterProvided;
                cluster.Type = Cluster.Types.DiscoveryType.OriginalDst;
                cluster.LoadAssignment = null;
                cluster.EdsClusterConfig = null;
                break;
            default:
                cluster.LbPolicy = LbPolicy.LeastRequest;
                if (SlowStart(settings) is { } start) cluster.LeastRequestLbConfig = new() { SlowStartConfig = start };
                break;
        }
        if (settings?.LbPolicyCase == LoadBalancerSettings.LbPolicyOneofCase.ConsistentHash) ApplyHash(cluster, settings.ConsistentHash);
    }

    private static void ApplyHash(Cluster cluster, LoadBalancerSettings.Types.ConsistentHashLB hash)
    {
        if (hash.Maglev != null)
        {
            cluster.LbPolicy = LbPolicy.Maglev;
            cluster.MaglevLbConfig = hash.Maglev.TableSize > 0 ? new() { TableSize = hash.Maglev.TableSize } : null;
            return;
        }
        cluster.LbPolicy = LbPolicy.RingHash;
        var size = hash.RingHash?.MinimumRingSize ?? hash.MinimumRingSize;
        cluster.RingHashLbConfig = new() { MinimumRingSize = size > 0 ? size : DefaultMinimumRingSize };
    }

    private static Cluster.Types.SlowStartConfig? SlowStart(LoadBalancerSettings? settings)
    {
        if (settings?.Warmup is { Duration: not null } warmup)
            return new()
            {
                SlowStartWindow = warmup.Duration,
                Aggression = warmup.Aggression is { } aggression ? new RuntimeDouble { DefaultValue = aggression } : null,
                MinWeightPercent = warmup.MinimumPercent is { } percent ? new() { Value = percent } : null,
            };
        return settings?.WarmupDurationSecs is { } window ? new() { SlowStartWindow = window } : null;
    }
}
