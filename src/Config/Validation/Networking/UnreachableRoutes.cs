using Google.Protobuf.Collections;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Networking;

/// <summary>
/// Warnings about routes and matches that an earlier one hides.
/// parity: istio pkg/config/validation/validation.go#analyzeUnreachableHTTPRules, its blind spots included.
/// </summary>
internal static class UnreachableRoutes
{
    public static void Warn(Check check, FieldPath spec, VirtualService service)
    {
        Routes(check, spec["http"], service.Http, route => route.Match, route => route.Name, match => match.Name, Unnamed);
        Routes(check, spec["tcp"], service.Tcp, route => route.Match, _ => "", _ => "", match => match);
        Routes(check, spec["tls"], service.Tls, route => route.Match, _ => "", _ => "", match => match);
        Overlaps(check, spec["http"], service.Http);
    }

    private static void Routes<TRoute, TMatch>(
        Check check,
        FieldPath at,
        RepeatedField<TRoute> routes,
        Func<TRoute, RepeatedField<TMatch>> matchesOf,
        Func<TRoute, string> nameOf,
        Func<TMatch, string> matchNameOf,
        Func<TMatch, TMatch> identity)
        where TMatch : notnull
    {
        var seen = new Dictionary<TMatch, int>();
        var catchAll = -1;
        for (var i = 0; i < routes.Count; i++)
        {
            var matches = matchesOf(routes[i]);
            var name = Label(nameOf(routes[i]), i);
            if (matches.Count == 0)
            {
                if (catchAll >= 0) Unused(name, "only the last rule can have no matches");
                catchAll = i;
                continue;
            }
            var duplicates = 0;
            for (var j = 0; j < matches.Count; j++)
            {
                if (catchAll >= 0)
                {
                    Unused(name, "route without matches defined before");
                    continue;
                }
                if (seen.TryAdd(identity(matches[j]), i)) continue;
                var first = seen[identity(matches[j])];
                check.Warn(at[i]["match"][j], Ineffective(name, Label(matchNameOf(matches[j]), j), Label(nameOf(routes[first]), first)));
                duplicates++;
            }
            if (duplicates == matches.Count) Unused(name, "all matches used by prior rules");

            void Unused(string rule, string reason) => check.Warn(at[i], $"virtualService rule {rule} not used ({reason})");
        }
    }

    /// <summary>A prefix that an earlier prefix covers, when the rest of the two matches allows it.</summary>
    private static void Overlaps(Check check, FieldPath at, RepeatedField<HTTPRoute> routes)
    {
        var prefixes = new List<(int Route, int Match, Pattern Pattern)>();
        for (var i = 0; i < routes.Count; i++)
            for (var j = 0; j < routes[i].Match.Count; j++)
                if (routes[i].Match[j].Uri?.Prefix is { Length: > 0 })
                    prefixes.Add((i, j, new Pattern(routes[i].Match[j])));
        for (var a = 0; a < prefixes.Count; a++)
        {
            for (var b = a + 1; b < prefixes.Count; b++)
            {
                var (first, later) = (prefixes[a], prefixes[b]);
                if (first.Pattern.Prefix == later.Pattern.Prefix || !first.Pattern.Covers(later.Pattern)) continue;
                var (hidden, hiding) = (routes[later.Route], routes[first.Route]);
                check.Warn(at[later.Route]["match"][later.Match], Ineffective(
                    Label(hidden.Name, later.Route),
                    $"{Label(hidden.Match[later.Match].Name, later.Match)} of prefix {later.Pattern.Prefix}",
                    $"{Label(hiding.Match[first.Match].Name, first.Match)} of prefix {first.Pattern.Prefix} on {Label(hiding.Name, first.Route)}"));
            }
        }
    }

    private static string Ineffective(string rule, string match, string other) =>
        $"virtualService rule {rule} match {match} is not used (duplicate/overlapping match in rule {other})";

    private static string Label(string name, int index) => name.Length > 0 ? GoText.Quote(name) : $"#{index}";

    private static HTTPMatchRequest Unnamed(HTTPMatchRequest match)
    {
        if (match.Name.Length == 0) return match;
        var copy = match.Clone();
        copy.Name = "";
        return copy;
    }

    private sealed class Pattern(HTTPMatchRequest match)
    {
        private readonly string _method = Text(match.Method) is { Length: > 0 } method ? method : "exact:GET";

        public string Prefix { get; } = match.Uri.Prefix;

        private HTTPMatchRequest Match { get; } = match;

        public bool Covers(Pattern later) =>
            later.Prefix.StartsWith(Prefix, StringComparison.Ordinal)
            && Match.Port == later.Match.Port
            && _method.StartsWith(later._method, StringComparison.Ordinal)
            && Text(Match.Authority).StartsWith(Text(later.Match.Authority), StringComparison.Ordinal)
            && Same(Match.Headers, later.Match.Headers)
            && Same(Match.QueryParams, later.Match.QueryParams)
            && Same(Match.WithoutHeaders, later.Match.WithoutHeaders);

        private static bool Same(MapField<string, StringMatch> one, MapField<string, StringMatch> other) =>
            one.Count == other.Count
            && one.All(entry => other.TryGetValue(entry.Key, out var value) && Text(entry.Value).StartsWith(Text(value), StringComparison.Ordinal));

        private static string Text(StringMatch? match)
        {
            if (match is null) return "";
            return match.Exact.Length > 0 ? $"exact:{match.Exact}" : match.Prefix.Length > 0 ? $"prefix:{match.Prefix}" : "";
        }
    }
}
