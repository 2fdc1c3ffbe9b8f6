namespace Lateen.Pilot.Model;

/// <summary>How Istio compares host names, where each side may be a wildcard such as <c>*.example.com</c> or <c>*</c>.</summary>
internal static class Hostnames
{
    public static bool IsWildcard(string host) => host.Length > 0 && host[0] == '*';

    /// <summary>True when some name belongs to both sides (pkg/config/host/name.go#Matches).</summary>
    public static bool Overlap(string left, string right)
    {
        bool leftWild = IsWildcard(left), rightWild = IsWildcard(right);
        if (!leftWild && !rightWild) return left == right;
        if (leftWild && rightWild)
            return left.Length < right.Length
                ? right.AsSpan(1).EndsWith(left.AsSpan(1), StringComparison.Ordinal)
                : left.AsSpan(1).EndsWith(right.AsSpan(1), StringComparison.Ordinal);
        return leftWild
            ? right.AsSpan().EndsWith(left.AsSpan(1), StringComparison.Ordinal)
            : left.AsSpan().EndsWith(right.AsSpan(1), StringComparison.Ordinal);
    }

    /// <summary>True when every name of <paramref name="inner"/> belongs to <paramref name="outer"/>.</summary>
    public static bool IsSubset(string inner, string outer)
    {
        if (!IsWildcard(outer)) return inner == outer;
        if (IsWildcard(inner))
            return inner.Length >= outer.Length && inner.AsSpan(1).EndsWith(outer.AsSpan(1), StringComparison.Ordinal);
        return inner.AsSpan().EndsWith(outer.AsSpan(1), StringComparison.Ordinal);
    }

    /// <summary>The narrower name of each pair that overlaps, in the order of <paramref name="left"/>, without repeats.</summary>
    public static List<string> Intersect(IReadOnlyList<string> left, IReadOnlyList<string> right)
    {
        var result = new List<string>();
        foreach (var l in left)
            foreach (var r in right)
            {
                var narrower = IsSubset(l, r) ? l : IsSubset(r, l) ? r : null;
                if (narrower != null && !result.Contains(narrower)) result.Add(narrower);
            }
        return result;
    }

    /// <summary>A name without dots belongs to the domain of the object that says it; every other name is complete.</summary>
    public static string Qualify(string host, string @namespace, string domain)
    {
        if (host.Length == 0 || IsWildcard(host) || host.Contains('.')) return host;
        return @namespace.Length == 0 ? host : $"{host}.{@namespace}.svc.{domain}";
    }

    /// <summary>Longer patterns first: the order in which wildcards are tried.</summary>
    public static int MoreSpecificFirst(string left, string right)
    {
        var byLength = right.Length.CompareTo(left.Length);
        return byLength != 0 ? byLength : string.CompareOrdinal(left, right);
    }
}
