using Envoy.Type.Matcher.V3;
using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>Istio's string matches as Envoy's.</summary>
internal static class StringMatchers
{
    /// <summary>Null for a match that anything present passes: an empty one, and the regular expression <c>*</c>.</summary>
    public static StringMatcher? Convert(StringMatch? match) => match?.MatchTypeCase switch
    {
        StringMatch.MatchTypeOneofCase.Exact => new() { Exact = match.Exact },
        StringMatch.MatchTypeOneofCase.Prefix => new() { Prefix = match.Prefix },
        // parity: pilot/pkg/networking/core/route/route.go#canBeConvertedToPresentMatch
        StringMatch.MatchTypeOneofCase.Regex when match.Regex == "*" => null,
        StringMatch.MatchTypeOneofCase.Regex => new() { SafeRegex = new() { Regex = match.Regex } },
        _ => null,
    };
}
