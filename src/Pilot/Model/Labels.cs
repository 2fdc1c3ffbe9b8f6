namespace Lateen.Pilot.Model;

/// <summary>Labels of workloads and the equality selectors over them.</summary>
internal static class Labels
{
    public static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();

    /// <summary>True when every pair of <paramref name="selector"/> stands in <paramref name="labels"/>; an empty selector covers all.</summary>
    public static bool Covers(IEnumerable<KeyValuePair<string, string>> selector, IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, value) in selector)
            if (!labels.TryGetValue(key, out var actual) || actual != value) return false;
        return true;
    }

    public static bool Covers(IReadOnlyDictionary<string, string> selector, IReadOnlyDictionary<string, string> labels)
    {
        if (selector.Count == 0) return true;
        return selector.Count <= labels.Count && Covers((IEnumerable<KeyValuePair<string, string>>)selector, labels);
    }

    public static bool Equal(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right) =>
        ReferenceEquals(left, right) || (left.Count == right.Count && Covers(left, right));

    /// <summary>One string for a set of labels, the same for equal sets.</summary>
    public static string Canonical(IEnumerable<KeyValuePair<string, string>> labels) =>
        string.Join(",", labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => l.Key + "=" + l.Value));
}
