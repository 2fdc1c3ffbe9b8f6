using Envoy.Config.Route.V3;
using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>The conditions of a rule as Envoy's (pilot/pkg/networking/core/route/route.go#TranslateRouteMatch).</summary>
internal static class RouteMatches
{
    public static RouteMatch Any() => new() { Prefix = "/" };

    public static RouteMatch Convert(HTTPMatchRequest? match)
    {
        var result = Any();
        if (match == null) return result;
        var headers = new List<HeaderMatcher>();
        foreach (var (name, value) in match.Headers) headers.Add(Header(name, value));
        foreach (var (name, value) in match.WithoutHeaders)
        {
            var without = Header(name, value);
            without.InvertMatch = true;
            if (without.HeaderMatchSpecifierCase != HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch) without.TreatMissingHeaderAsEmpty = true;
            headers.Add(without);
        }
        // Headers stand in an unordered map: in their order a route would look changed when it is not.
        result.Headers.AddRange(headers.OrderBy(h => h.Name, StringComparer.Ordinal));
        SetPath(result, match.Uri);
        result.CaseSensitive = !match.IgnoreUriCase;
        if (match.Method != null) result.Headers.Add(Header(":method", match.Method));
        if (match.Authority != null) result.Headers.Add(Header(":authority", match.Authority));
        if (match.Scheme != null) result.Headers.Add(Header(":scheme", match.Scheme));
        foreach (var (name, value) in match.QueryParams.OrderBy(q => q.Key, StringComparer.Ordinal)) result.QueryParameters.Add(Query(name, value));
        return result;
    }

    /// <summary>Whether nothing that comes after this match can ever be reached.</summary>
    public static bool IsCatchAll(RouteMatch match)
    {
        var path = match.PathSpecifierCase switch
        {
            RouteMatch.PathSpecifierOneofCase.Prefix => match.Prefix == "/",
            RouteMatch.PathSpecifierOneofCase.SafeRegex => match.SafeRegex.Regex == ".*",
            _ => false,
        };
        return path && match.Headers.Count == 0 && match.QueryParameters.Count == 0;
    }

    private static void SetPath(RouteMatch result, StringMatch? uri)
    {
        switch (uri?.MatchTypeCase)
        {
            case StringMatch.MatchTypeOneofCase.Exact:
                result.Path = uri.Exact;
                break;
            case StringMatch.MatchTypeOneofCase.Prefix:
                result.Prefix = uri.Prefix;
                break;
            case StringMatch.MatchTypeOneofCase.Regex:
                result.SafeRegex = new() { Regex = uri.Regex };
                break;
        }
    }

    private static HeaderMatcher Header(string name, StringMatch value)
    {
        var matcher = new HeaderMatcher { Name = name };
        if (StringMatchers.Convert(value) is { } text) matcher.StringMatch = text;
        else matcher.PresentMatch = true;
        return matcher;
    }

    private static QueryParameterMatcher Query(string name, StringMatch value)
    {
        var matcher = new QueryParameterMatcher { Name = name };
        if (StringMatchers.Convert(value) is { } text) matcher.StringMatch = text;
        else matcher.PresentMatch = true;
        return matcher;
    }
}
