using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;
using Lateen.Foundation.Text;
using static Istio.Networking.V1Alpha3.EnvoyFilter.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>EnvoyFilter: patches whose target, match and value must fit each other.</summary>
internal static class EnvoyFilterRules
{
    private const int MaximumVersion = 1024;

    public static void Validate(Check check)
    {
        var filter = check.Object.As<EnvoyFilter>();
        if (check.Original)
        {
            Original(check, filter);
            return;
        }
        check.Warn(FieldPath.Spec, "EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise extreme caution, especially around upgrades.");
        if (!Selectors.Validate(check, FieldPath.Spec["workloadSelector"], filter.WorkloadSelector, "Envoy filter")) return;
        for (var i = 0; i < filter.ConfigPatches.Count; i++) Patch(check, FieldPath.Spec["configPatches"][i], filter.ConfigPatches[i]);
    }

    private static void Patch(Check check, FieldPath at, EnvoyConfigObjectPatch patch)
    {
        if (patch.Match?.Context == PatchContext.Waypoint) return;
        if (patch.ApplyTo == ApplyTo.Invalid)
        {
            check.Error(at["applyTo"], "Envoy filter: missing applyTo");
            return;
        }
        if (patch.Patch is null)
        {
            check.Error(at["patch"], "Envoy filter: missing patch");
            return;
        }
        if (patch.Patch.Operation == EnvoyFilter.Types.Patch.Types.Operation.Invalid)
        {
            check.Error(at["patch"]["operation"], "Envoy filter: missing patch operation");
            return;
        }
        if (patch.Patch.Operation != EnvoyFilter.Types.Patch.Types.Operation.Remove && patch.Patch.Value is null)
        {
            check.Error(at["patch"]["value"], "Envoy filter: missing patch value for non-remove operation");
            return;
        }
        if (patch.Match?.Proxy?.ProxyVersion is { Length: > 0 } version)
        {
            var path = at["match"]["proxy"]["proxyVersion"];
            if (version.Length > MaximumVersion)
            {
                check.Warn(path, $"Envoy filter: proxyVersion match exceeds {MaximumVersion} characters and will be ignored");
            }
            else if (Re2Syntax.Check(version) is { } problem)
            {
                check.Error(path, $"Envoy filter: invalid regex for proxy version, [{problem}]");
                return;
            }
        }
        Match(check, at["match"], patch);
    }

    /// <summary>False when the match is refused, after which the value is not looked at.</summary>
    private static bool Match(Check check, FieldPath at, EnvoyConfigObjectPatch patch)
    {
        var match = patch.Match;
        if (match is null || match.ObjectTypesCase == EnvoyConfigObjectMatch.ObjectTypesOneofCase.None) return true;
        switch (patch.ApplyTo)
        {
            case ApplyTo.Listener or ApplyTo.FilterChain or ApplyTo.NetworkFilter or ApplyTo.HttpFilter:
                if (match.Listener is null)
                {
                    check.Error(at, "Envoy filter: applyTo for listener class objects cannot have non listener match");
                    return false;
                }
                return match.Listener.FilterChain?.Filter is not { } filter || Filter(check, at["listener"]["filterChain"]["filter"], patch.ApplyTo, filter);
            case ApplyTo.RouteConfiguration or ApplyTo.VirtualHost or ApplyTo.HttpRoute:
                if (match.RouteConfiguration is null) check.Error(at, "Envoy filter: applyTo for http route class objects cannot have non route configuration match");
                return true;
            case ApplyTo.Cluster:
                if (match.Cluster is null) check.Error(at, "Envoy filter: applyTo for cluster class objects cannot have non cluster match");
                return true;
            default:
                return true;
        }
    }

    private static bool Filter(Check check, FieldPath at, ApplyTo applyTo, ListenerMatch.Types.FilterMatch filter)
    {
        if (applyTo is ApplyTo.Listener or ApplyTo.FilterChain)
            check.Warn(at, $"Envoy filter: filter match has no effect when used with {(applyTo == ApplyTo.Listener ? "LISTENER" : "FILTER_CHAIN")}");
        string? problem = null;
        if (filter.Name.Length == 0) problem = "Envoy filter: filter match has no name to match on";
        else if (filter.SubFilter is { } inner)
        {
            if (applyTo != ApplyTo.HttpFilter) problem = "Envoy filter: subfilter match can be used with applyTo HTTP_FILTER only";
            else if (filter.Name is not ("envoy.filters.network.http_connection_manager" or "envoy.http_connection_manager"))
                problem = "Envoy filter: subfilter match requires filter match with envoy.filters.network.http_connection_manager";
            else if (inner.Name.Length == 0) problem = "Envoy filter: subfilter match has no name to match on";
        }
        check.Error(at, problem);
        if (problem is not null) return false;
        WarnOldName(at["name"], filter.Name);
        WarnOldName(at["subFilter"]["name"], filter.SubFilter?.Name ?? "");
        return true;

        void WarnOldName(FieldPath path, string name)
        {
            if (OldFilterNames.Successor(name) is { } successor) check.Warn(path, $"using deprecated filter name \"{name}\"; use \"{successor}\" instead");
        }
    }

    private static void Original(Check check, EnvoyFilter filter)
    {
#pragma warning disable CS0612 // Fields of 1.1.
        var at = FieldPath.Spec["filters"];
        if (filter.Filters.Count == 0) check.Error(at, "envoy filter: missing filters");
        for (var i = 0; i < filter.Filters.Count; i++)
        {
            var item = filter.Filters[i];
            if (item.InsertPosition is { Index: InsertPosition.Types.Index.Before or InsertPosition.Types.Index.After, RelativeTo.Length: 0 })
                check.Error(at[i]["insertPosition"]["relativeTo"], "envoy filter: missing relativeTo filter with BEFORE/AFTER index");
            if (item.FilterType == EnvoyFilter.Types.Filter.Types.FilterType.Invalid) check.Error(at[i]["filterType"], "envoy filter: missing filter type");
            if (item.FilterName.Length == 0) check.Error(at[i]["filterName"], "envoy filter: missing filter name");
            if (item.FilterConfig is null) check.Error(at[i]["filterConfig"], "envoy filter: missing filter config");
        }
#pragma warning restore CS0612
    }
}
