namespace Lateen.Config.Validation.Networking;

/// <summary>Names of localities, <c>region/zone/subzone</c> with a wildcard at the end, which must not overlap.</summary>
internal static class LocalityNames
{
    /// <summary>Null or the first problem.</summary>
    public static string? Check(IEnumerable<string> localities)
    {
        var seen = new List<string[]>();
        foreach (var locality in localities)
        {
            var stars = locality.Count(c => c == '*');
            if (stars > 1 || (stars == 1 && !locality.EndsWith('*'))) return $"locality {locality} wildcard '*' number can not exceed 1 and must be in the end";
            var parts = locality.Split('/', 3);
            if (parts.Any(part => part.Length == 0)) return $"locality {locality} must not contain empty region/zone/subzone info";
            if (seen.Any(other => Overlap(other, parts))) return $"locality {locality} overlap with previous specified ones";
            seen.Add(parts);
        }
        return null;
    }

    /// <summary>Whether the earlier name takes what the later one means; a shorter name takes all below it.</summary>
    private static bool Overlap(string[] earlier, string[] later)
    {
        for (var i = 0; i < Math.Max(earlier.Length, later.Length); i++)
        {
            if (i >= earlier.Length || (earlier[i] == "*" && i == earlier.Length - 1)) return true;
            if (i >= later.Length) return true;
            if (earlier[i] != later[i]) return false;
        }
        return true;
    }
}
