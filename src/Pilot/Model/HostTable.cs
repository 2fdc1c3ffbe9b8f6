using System.Diagnostics.CodeAnalysis;

namespace Lateen.Pilot.Model;

/// <summary>Values by host pattern, found by the most specific pattern that covers a name. Filled once, then immutable.</summary>
internal sealed class HostTable<T> where T : class
{
    private readonly Dictionary<string, T> _exact = new(StringComparer.Ordinal);
    private readonly SortedList<string, T> _wildcards = new(Comparer<string>.Create(Hostnames.MoreSpecificFirst));

    public int Count => _exact.Count + _wildcards.Count;

    public IEnumerable<T> Values => _exact.Values.Concat(_wildcards.Values);

    public bool TryGet(string pattern, [NotNullWhen(true)] out T? value) =>
        Hostnames.IsWildcard(pattern) ? _wildcards.TryGetValue(pattern, out value) : _exact.TryGetValue(pattern, out value);

    public void Set(string pattern, T value)
    {
        if (Hostnames.IsWildcard(pattern)) _wildcards[pattern] = value;
        else _exact[pattern] = value;
    }

    /// <summary>The value of the narrowest pattern that contains all of <paramref name="host"/>.</summary>
    public bool TryMatch(string host, [NotNullWhen(true)] out T? value) => TryMatch(host, out _, out value);

    public bool TryMatch(string host, [NotNullWhen(true)] out string? pattern, [NotNullWhen(true)] out T? value)
    {
        pattern = host;
        if (_exact.TryGetValue(host, out value)) return true;
        foreach (var (candidate, found) in _wildcards)
            if (Hostnames.IsSubset(host, candidate))
            {
                (pattern, value) = (candidate, found);
                return true;
            }
        pattern = null;
        return false;
    }
}
