using Envoy.Config.Route.V3;
using Google.Protobuf;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>A route, serialized. Immutable.</summary>
internal sealed record EncodedRoute(ByteString Bytes, bool IsCatchAll);

/// <summary>The routes of one VirtualService or service for one listener, serialized once. Immutable; compared by identity.</summary>
internal sealed class RouteSet
{
    public static readonly RouteSet Empty = new(Array.Empty<EncodedRoute>());

    public RouteSet(IEnumerable<Route> routes) => Routes = [.. routes.Select(r => new EncodedRoute(r.ToByteString(), RouteMatches.IsCatchAll(r.Match)))];

    private RouteSet(IReadOnlyList<EncodedRoute> routes) => Routes = routes;

    public IReadOnlyList<EncodedRoute> Routes { get; }

    /// <summary>Several sets as one: what takes everything goes behind the rest, whoever said it.</summary>
    public static RouteSet Join(IReadOnlyList<RouteSet> sets)
    {
        if (sets.Count == 1) return sets[0];
        var all = sets.SelectMany(s => s.Routes).ToList();
        return new((IReadOnlyList<EncodedRoute>)[.. all.Where(r => !r.IsCatchAll), .. all.Where(r => r.IsCatchAll)]);
    }

    /// <summary>What was made of these routes. Any thread.</summary>
    public GeneratedCache Generated { get; } = new();
}
