using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Duration = Google.Protobuf.WellKnownTypes.Duration;
using Weight = Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>Where a route leads: destinations and weights, mirrors, rewrites, timeouts, retries.</summary>
internal static class DestinationActions
{
    public static RouteAction Build(Route route, HTTPRoute http, string authority, RoutePlace place, IRouteLookups lookups)
    {
        var action = new RouteAction();
        SetTimeout(action, http.Timeout, place.IsGrpc);
        if (http.Rewrite is { } rewrite)
        {
            if (rewrite.UriRegexRewrite != null)
                action.RegexRewrite = new() { Pattern = new() { Regex = rewrite.UriRegexRewrite.Match }, Substitution = rewrite.UriRegexRewrite.Rewrite };
            else if (rewrite.Uri.Length > 0) action.PrefixRewrite = rewrite.Uri;
            if (rewrite.Authority.Length > 0) authority = rewrite.Authority;
        }
        if (authority.Length > 0) action.HostRewriteLiteral = authority;
        AddMirrors(action, http, place, lookups);
        var hashed = http.Route.Count == 1
            ? SetOne(route, action, http.Route[0], place, lookups)
            : SetWeighted(action, http.Route, place, lookups);
        action.RetryPolicy = RetryPolicies.Outbound(http.Retries ?? place.Mesh.Config.DefaultHttpRetryPolicy, hashed);
        return action;
    }

    /// <summary>
    /// A destination's cluster. Without a port it is the only one of the service, else that of the listener; an ExternalName
    /// service is where it points to (pilot/pkg/networking/core/route/route.go#GetDestinationCluster).
    /// </summary>
    public static string ClusterFor(Destination? destination, int port, IRouteLookups lookups)
    {
        if (destination == null || destination.Host.Length == 0) return "UnknownService";
        var service = lookups.FindService(destination.Host);
        var host = service is { Resolution: Resolution.Alias } ? service.AliasOf : destination.Host;
        var number = destination.Port is { Number: > 0 } ? (int)destination.Port.Number
            : service is { Ports.Count: 1 } ? service.Ports[0].Port
            : port;
        return ClusterName.Outbound(number, destination.Subset, host);
    }

    /// <summary>Without a timeout a request may take for ever; then a gRPC client's own deadline still counts.</summary>
    public static void SetTimeout(RouteAction action, Duration? timeout, bool isGrpc)
    {
        action.Timeout = timeout ?? Durations.Zero;
        if (isGrpc) action.MaxStreamDuration = new() { MaxStreamDuration_ = action.Timeout };
        else action.MaxGrpcTimeout = action.Timeout;
    }

    private static bool SetOne(Route route, RouteAction action, HTTPRouteDestination destination, RoutePlace place, IRouteLookups lookups)
    {
        action.Cluster = ClusterFor(destination.Destination, place.Port, lookups);
        var changes = HeaderChanges.Of(destination);
        RouteBuilder.Add(route, changes);
        if (changes.Authority.Length > 0 && action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.None)
            action.HostRewriteLiteral = changes.Authority;
        return AddHash(action, destination, lookups);
    }

    private static bool SetWeighted(RouteAction action, IEnumerable<HTTPRouteDestination> destinations, RoutePlace place, IRouteLookups lookups)
    {
        var weighted = new WeightedCluster();
        foreach (var destination in destinations)
        {
            if (destination.Weight == 0) continue;
            var changes = HeaderChanges.Of(destination);
            var weight = new Weight { Name = ClusterFor(destination.Destination, place.Port, lookups), Weight = (uint)destination.Weight };
            weight.RequestHeadersToAdd.AddRange(changes.RequestAdd);
            weight.RequestHeadersToRemove.AddRange(changes.RequestRemove);
            weight.ResponseHeadersToAdd.AddRange(changes.ResponseAdd);
            weight.ResponseHeadersToRemove.AddRange(changes.ResponseRemove);
            if (changes.Authority.Length > 0) weight.HostRewriteLiteral = changes.Authority;
            weighted.Clusters.Add(weight);
            AddHash(action, destination, lookups);
        }
        action.WeightedClusters = weighted;
        return false;
    }

    private static bool AddHash(RouteAction action, HTTPRouteDestination destination, IRouteLookups lookups)
    {
        if (destination.Destination == null) return false;
        var hash = HashPolicies.ForDestination(lookups.FindRule(destination.Destination.Host)?.Rule, destination.Destination);
        if (HashPolicies.Convert(hash) is { } policy) action.HashPolicy.Add(policy);
        return hash != null;
    }

    private static void AddMirrors(RouteAction action, HTTPRoute http, RoutePlace place, IRouteLookups lookups)
    {
        if (http.Mirror != null)
            AddMirror(action, http.Mirror, http.MirrorPercentage, http.MirrorPercentage == null ? http.MirrorPercent : null, place, lookups);
        foreach (var mirror in http.Mirrors)
            if (mirror.Destination != null) AddMirror(action, mirror.Destination, mirror.Percentage, null, place, lookups);
    }

    private static void AddMirror(RouteAction action, Destination destination, Percent? percentage, uint? percent, RoutePlace place, IRouteLookups lookups)
    {
        // Zero, if said, mirrors nothing; nothing said mirrors all.
        if (percentage is { Value: <= 0 } || percent == 0) return;
        action.RequestMirrorPolicies.Add(new RouteAction.Types.RequestMirrorPolicy
        {
            Cluster = ClusterFor(destination, place.Port, lookups),
            RuntimeFraction = new RuntimeFractionalPercent { DefaultValue = RouteFilters.Share(percentage) ?? RouteFilters.Hundredths((int)(percent ?? 100)) },
            TraceSampled = false,
            DisableShadowHostSuffixAppend = true,
        });
    }
}
