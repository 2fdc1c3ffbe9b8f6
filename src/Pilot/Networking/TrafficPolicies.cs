using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Networking;

/// <summary>The parts of a TrafficPolicy that apply to one port and subset. Immutable.</summary>
internal readonly record struct EffectivePolicy(
    ConnectionPoolSettings? ConnectionPool, LoadBalancerSettings? LoadBalancer, OutlierDetection? Outlier, ClientTLSSettings? Tls,
    TrafficPolicy.Types.ProxyProtocol? ProxyProtocol, TrafficPolicy.Types.RetryBudget? RetryBudget);

/// <summary>
/// How settings of a rule, of a port and of a subset go together (pilot/pkg/networking/util/util.go): settings of a port
/// replace those above them whole, also with nothing; settings of a subset replace part by part.
/// </summary>
internal static class TrafficPolicies
{
    public static EffectivePolicy For(DestinationRule? rule, Subset? subset, int port)
    {
        var policy = Apply(default, rule?.TrafficPolicy, port);
        return Apply(policy, subset?.TrafficPolicy, port);
    }

    private static EffectivePolicy Apply(EffectivePolicy policy, TrafficPolicy? over, int port)
    {
        if (over == null) return policy;
        policy = new(
            over.ConnectionPool ?? policy.ConnectionPool, over.LoadBalancer ?? policy.LoadBalancer, over.OutlierDetection ?? policy.Outlier,
            over.Tls ?? policy.Tls, over.ProxyProtocol ?? policy.ProxyProtocol, over.RetryBudget ?? policy.RetryBudget);
        foreach (var settings in over.PortLevelSettings)
            if (settings.Port?.Number == port)
                return policy with
                {
                    ConnectionPool = settings.ConnectionPool, LoadBalancer = settings.LoadBalancer, Outlier = settings.OutlierDetection, Tls = settings.Tls,
                };
        return policy;
    }
}
