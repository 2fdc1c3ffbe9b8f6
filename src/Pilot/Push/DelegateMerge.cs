using Google.Protobuf.Collections;
using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Push;

/// <summary>
/// Puts the routes of a delegate in the place of the root's route that names it. A route whose matches are not within the
/// root's is left out (pilot/pkg/model/virtualservice.go#MergeHTTPRoutes).
/// </summary>
internal static class DelegateMerge
{
    public static IEnumerable<HTTPRoute> Merge(HTTPRoute root, IEnumerable<HTTPRoute> delegated)
    {
        foreach (var route in delegated)
        {
            var matches = MergeMatches(root.Match, route.Match);
            if (matches == null) continue;
            var merged = route.Clone();
            merged.Match.Clear();
            merged.Match.AddRange(matches);
            merged.Name = Join(root.Name, route.Name);
            merged.Rewrite ??= root.Rewrite;
            merged.DirectResponse ??= root.DirectResponse;
            merged.Timeout ??= root.Timeout;
            merged.Retries ??= root.Retries;
            merged.Fault ??= root.Fault;
            merged.Mirror ??= root.Mirror;
            merged.MirrorPercent ??= root.MirrorPercent;
            merged.MirrorPercentage ??= root.MirrorPercentage;
            merged.CorsPolicy ??= root.CorsPolicy;
            merged.Headers ??= root.Headers;
            if (merged.Mirrors.Count == 0) merged.Mirrors.AddRange(root.Mirrors);
            yield return merged;
        }
    }

    /// <summary>Every pair that goes together; null when some match of the delegate lies within none of the root's.</summary>
    private static List<HTTPMatchRequest>? MergeMatches(RepeatedField<HTTPMatchRequest> root, RepeatedField<HTTPMatchRequest> leaf)
    {
        if (root.Count == 0) return [.. leaf];
        if (leaf.Count == 0) return [.. root];
        List<HTTPMatchRequest> merged = [];
        foreach (var inner in leaf)
        {
            var before = merged.Count;
            foreach (var outer in root)
                if (!Conflict(outer, inner)) merged.Add(Merge(outer, inner));
            if (merged.Count == before) return null;
        }
        return merged;
    }

    private static HTTPMatchRequest Merge(HTTPMatchRequest root, HTTPMatchRequest leaf)
    {
        var merged = leaf.Clone();
        merged.Name = Join(root.Name, leaf.Name);
        merged.Uri ??= root.Uri;
        merged.Scheme ??= root.Scheme;
        merged.Method ??= root.Method;
        merged.Authority ??= root.Authority;
        AddMissing(merged.Headers, root.Headers);
        AddMissing(merged.WithoutHeaders, root.WithoutHeaders);
        AddMissing(merged.QueryParams, root.QueryParams);
        AddMissing(merged.SourceLabels, root.SourceLabels);
        if (merged.Port == 0) merged.Port = root.Port;
        if (merged.SourceNamespace.Length == 0) merged.SourceNamespace = root.SourceNamespace;
        if (merged.Gateways.Count == 0) merged.Gateways.AddRange(root.Gateways);
        if (merged.StatPrefix.Length == 0) merged.StatPrefix = root.StatPrefix;
        return merged;
    }

    private static bool Conflict(HTTPMatchRequest root, HTTPMatchRequest leaf) =>
        Conflict(root.Uri, leaf.Uri) || Conflict(root.Scheme, leaf.Scheme) || Conflict(root.Method, leaf.Method)
        || Conflict(root.Authority, leaf.Authority) || Conflict(root.Headers, leaf.Headers)
        || Conflict(root.WithoutHeaders, leaf.WithoutHeaders) || Conflict(root.QueryParams, leaf.QueryParams)
        || root.IgnoreUriCase != leaf.IgnoreUriCase
        || (root.Port > 0 && leaf.Port > 0 && root.Port != leaf.Port)
        || (root.SourceNamespace.Length > 0 && leaf.SourceNamespace != root.SourceNamespace)
        || leaf.SourceLabels.Any(l => root.SourceLabels.TryGetValue(l.Key, out var value) && value != l.Value)
        || (root.Gateways.Count > 0 && leaf.Gateways.Count > 0 && leaf.Gateways.Any(g => !root.Gateways.Contains(g)));

    private static bool Conflict(MapField<string, StringMatch> root, MapField<string, StringMatch> leaf) =>
        leaf.Any(pair => root.TryGetValue(pair.Key, out var outer) && Conflict(outer, pair.Value));

    /// <summary>Whether the inner match is not within the outer one. Regular expressions go with nothing.</summary>
    private static bool Conflict(StringMatch? root, StringMatch? leaf)
    {
        if (root == null || leaf == null) return false;
        var (outer, inner) = (Text(root), Text(leaf));
        if (outer.Length == 0 || inner.Length == 0) return true;
        return root.MatchTypeCase switch
        {
            StringMatch.MatchTypeOneofCase.Exact => leaf.MatchTypeCase != StringMatch.MatchTypeOneofCase.Exact || inner != outer,
            StringMatch.MatchTypeOneofCase.Prefix =>
                leaf.MatchTypeCase == StringMatch.MatchTypeOneofCase.Regex || !inner.StartsWith(outer, StringComparison.Ordinal),
            _ => true,
        };
    }

    private static string Text(StringMatch match) => match.MatchTypeCase switch
    {
        StringMatch.MatchTypeOneofCase.Exact => match.Exact,
        StringMatch.MatchTypeOneofCase.Prefix => match.Prefix,
        StringMatch.MatchTypeOneofCase.Regex => match.Regex,
        _ => "",
    };

    private static string Join(string root, string leaf) => leaf.Length == 0 ? root : root.Length == 0 ? leaf : $"{root}-{leaf}";

    private static void AddMissing<T>(MapField<string, T> target, MapField<string, T> source)
    {
        foreach (var (key, value) in source)
            if (!target.ContainsKey(key)) target[key] = value;
    }
}
