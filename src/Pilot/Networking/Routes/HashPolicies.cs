using Envoy.Config.Route.V3;
using Istio.Networking.V1Alpha3;
using ConsistentHash = Istio.Networking.V1Alpha3.LoadBalancerSettings.Types.ConsistentHashLB;
using HashPolicy = Envoy.Config.Route.V3.RouteAction.Types.HashPolicy;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>What of a request is hashed to choose a host: said by the destination's rule, done by the route.</summary>
internal static class HashPolicies
{
    /// <summary>
    /// The hash of a route's destination: of the subset's port, the subset, the port, the rule. Unlike other settings, a port
    /// without hash does not hide the rule's (pilot/pkg/networking/core/route/route.go#HashForHTTPDestination).
    /// </summary>
    public static ConsistentHash? ForDestination(DestinationRule? rule, Destination destination)
    {
        if (rule == null) return null;
        var subset = rule.Subsets.FirstOrDefault(s => s.Name == destination.Subset && s.Name.Length > 0);
        var port = destination.Port?.Number;
        return OfPort(subset?.TrafficPolicy, port) ?? Of(subset?.TrafficPolicy?.LoadBalancer) ?? OfPort(rule.TrafficPolicy, port) ?? Of(rule.TrafficPolicy?.LoadBalancer);
    }

    /// <summary>The hash of a service without VirtualService.</summary>
    public static ConsistentHash? ForService(DestinationRule? rule, int port) =>
        OfPort(rule?.TrafficPolicy, (uint)port) ?? Of(rule?.TrafficPolicy?.LoadBalancer);

    public static HashPolicy? Convert(ConsistentHash? hash) => hash?.HashKeyCase switch
    {
        ConsistentHash.HashKeyOneofCase.HttpHeaderName => new() { Header = new() { HeaderName = hash.HttpHeaderName } },
        ConsistentHash.HashKeyOneofCase.HttpCookie => new() { Cookie = Convert(hash.HttpCookie) },
        ConsistentHash.HashKeyOneofCase.UseSourceIp => new() { ConnectionProperties = new() { SourceIp = hash.UseSourceIp } },
        ConsistentHash.HashKeyOneofCase.HttpQueryParameterName => new() { QueryParameter = new() { Name = hash.HttpQueryParameterName } },
        _ => null,
    };

    private static HashPolicy.Types.Cookie Convert(ConsistentHash.Types.HTTPCookie cookie)
    {
        var result = new HashPolicy.Types.Cookie { Name = cookie.Name, Path = cookie.Path, Ttl = cookie.Ttl };
        foreach (var attribute in cookie.Attributes) result.Attributes.Add(new RouteAction.Types.HashPolicy.Types.CookieAttribute { Name = attribute.Name, Value = attribute.Value });
        return result;
    }

    private static ConsistentHash? OfPort(TrafficPolicy? policy, uint? port) =>
        port == null ? null : Of(policy?.PortLevelSettings.FirstOrDefault(p => p.Port?.Number == port)?.LoadBalancer);

    private static ConsistentHash? Of(LoadBalancerSettings? settings) =>
        settings?.LbPolicyCase == LoadBalancerSettings.LbPolicyOneofCase.ConsistentHash ? settings.ConsistentHash : null;
}
