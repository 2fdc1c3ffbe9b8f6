using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>The HTTP routes of a VirtualService for one place (pilot/pkg/networking/core/route/route.go).</summary>
internal static class VirtualServiceRoutes
{
    private const int MostVariants = 64;

    /// <summary>
    /// The routes, made anew only where the VirtualService, the place, or an answer that they depended on is another. Empty
    /// when no rule concerns the place.
    /// </summary>
    public static RouteSet Get(VirtualServiceEntry rule, RoutePlace place, ProxyNode node, IRouteLookups lookups)
    {
        var key = (place, rule.SelectedBy(node.Labels, node.Namespace));
        var variants = rule.Generated.Get(key, 0, static _ => new Variants());
        return variants.Find(lookups) ?? variants.Add(rule, place, node, lookups);
    }

    private static IEnumerable<Route> Build(VirtualServiceEntry rule, RoutePlace place, ProxyNode node, IRouteLookups lookups)
    {
        foreach (var http in rule.Spec.Http)
        {
            if (http.Match.Count == 0)
            {
                yield return RouteBuilder.Build(rule, http, null, place, lookups);
                yield break;
            }
            foreach (var match in http.Match)
            {
                if (!Concerns(match, place, node)) continue;
                var route = RouteBuilder.Build(rule, http, match, place, lookups);
                yield return route;
                // Nothing that comes later can be reached.
                if (RouteMatches.IsCatchAll(route.Match)) yield break;
            }
        }
    }

    /// <summary>The conditions of a match that are known here: the port, and who asks through what.</summary>
    private static bool Concerns(HTTPMatchRequest match, RoutePlace place, ProxyNode node)
    {
        if (match.Port != 0 && match.Port != place.Port) return false;
        if (match.Gateways.Count > 0) return match.Gateways.Contains(place.Gateway);
        return Labels.Covers((IEnumerable<KeyValuePair<string, string>>)match.SourceLabels, node.Labels)
            && (match.SourceNamespace.Length == 0 || match.SourceNamespace == node.Namespace);
    }

    private sealed class Variants
    {
        private ImmutableArray<(RecordedLookups Lookups, RouteSet Routes)> _known = [];

        public RouteSet? Find(IRouteLookups lookups)
        {
            foreach (var (recorded, routes) in _known)
                if (recorded.HoldFor(lookups)) return routes;
            return null;
        }

        public RouteSet Add(VirtualServiceEntry rule, RoutePlace place, ProxyNode node, IRouteLookups lookups)
        {
            var recorded = new RecordedLookups(lookups);
            var routes = new RouteSet(Build(rule, place, node, recorded));
            // The newest answers are asked for most: they stand first, and the oldest go.
            ImmutableInterlocked.Update(ref _known, known => known.Length >= MostVariants ? [(recorded, routes)] : known.Insert(0, (recorded, routes)));
            return routes;
        }
    }
}
