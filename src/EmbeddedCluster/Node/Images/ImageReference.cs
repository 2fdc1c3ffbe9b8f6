namespace Lateen.EmbeddedCluster.Node.Images;

/// <summary>Image references, compared as container runtimes do: Docker Hub and its library folder may be left out.</summary>
internal static class ImageReference
{
    private const string Hub = "docker.io/";

    /// <summary>Writes the reference in full, with registry and with <c>latest</c> where it names no tag or digest.</summary>
    public static string Normalize(string reference) => HasVersion(reference) ? AddRegistry(reference) : AddRegistry(reference) + ":latest";

    /// <summary>Whether a normalized reference fits a pattern, where <c>*</c> is any text and a missing tag any tag.</summary>
    public static bool Matches(string pattern, string normalized)
    {
        if (pattern == "*") return true;
        var full = AddRegistry(pattern);
        return MatchesText(full, normalized) || !HasVersion(full) && (MatchesText(full + ":*", normalized) || MatchesText(full + "@*", normalized));
    }

    private static bool HasVersion(string reference)
    {
        var name = reference[(reference.LastIndexOf('/') + 1)..];
        return name.Contains(':') || name.Contains('@');
    }

    // The first part is a registry when it looks like a host (distribution/reference: has a dot or colon, or is localhost).
    private static string AddRegistry(string reference)
    {
        var slash = reference.IndexOf('/');
        if (slash < 0) return Hub + "library/" + reference;
        var first = reference[..slash];
        if (first == "index.docker.io") return Hub + reference[(slash + 1)..];
        return first.Contains('.') || first.Contains(':') || first.Contains('*') || first == "localhost" ? reference : Hub + reference;
    }

    private static bool MatchesText(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        // On a mismatch the last star takes one more character; stars before it never need to.
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = t;
            }
            else if (p < pattern.Length && pattern[p] == text[t])
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++mark;
            }
            else return false;
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
