using Envoy.Config.Cluster.V3;
using Policy = Istio.Networking.V1Alpha3.OutlierDetection;

namespace Lateen.Pilot.Networking.Clusters;

/// <summary>When a host is left out for a while (pilot/pkg/networking/core/cluster_traffic_policy.go#applyOutlierDetection).</summary>
internal static class Outliers
{
    public static void Apply(Cluster cluster, Policy? policy)
    {
        if (policy == null) return;
        var detection = new OutlierDetection { EnforcingSuccessRate = 0 };
        if (policy.Consecutive5XxErrors is { } errors)
        {
            detection.Consecutive5Xx = errors;
            detection.EnforcingConsecutive5Xx = errors > 0 ? 100u : 0;
        }
        if (policy.ConsecutiveGatewayErrors is { } gateway)
        {
            detection.ConsecutiveGatewayFailure = gateway;
            detection.EnforcingConsecutiveGatewayFailure = gateway > 0 ? 100u : 0;
        }
        else if (policy.ConsecutiveErrors > 0 && policy.Consecutive5XxErrors == null)
        {
            // parity: istio 1.1 pilot/pkg/networking/core/v1alpha3/cluster.go#applyOutlierDetection counted gateway errors
            detection.ConsecutiveGatewayFailure = (uint)policy.ConsecutiveErrors;
            detection.EnforcingConsecutiveGatewayFailure = 100;
            detection.EnforcingConsecutive5Xx = 0;
        }
        detection.Interval = policy.Interval;
        detection.BaseEjectionTime = policy.BaseEjectionTime;
        if (policy.MaxEjectionPercent > 0) detection.MaxEjectionPercent = (uint)policy.MaxEjectionPercent;
        if (policy.SplitExternalLocalOriginErrors)
        {
            detection.SplitExternalLocalOriginErrors = true;
            detection.EnforcingLocalOriginSuccessRate = 0;
            if (policy.ConsecutiveLocalOriginFailures is > 0 and { } local)
            {
                detection.ConsecutiveLocalOriginFailure = local;
                detection.EnforcingConsecutiveLocalOriginFailure = 100;
            }
        }
        cluster.OutlierDetection = detection;
        if (policy.MinHealthPercent >= 0) cluster.CommonLbConfig.HealthyPanicThreshold = new() { Value = policy.MinHealthPercent };
    }
}
