using System.Text;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>Labels that a host must have, in the order of their names. Immutable; compared by value, so that it can be a key.</summary>
internal sealed class SubsetCriteria : IEquatable<SubsetCriteria>
{
    /// <summary>Every host.</summary>
    public static readonly SubsetCriteria Any = new([]);
    private readonly KeyValuePair<string, string>[] _labels;
    private readonly string _key;

    public SubsetCriteria(IEnumerable<KeyValuePair<string, string>> labels)
    {
        _labels = [.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)];
        var key = new StringBuilder();
        foreach (var (name, value) in _labels) key.Append(name).Append('\0').Append(value).Append('\0');
        _key = key.ToString();
    }

    /// <summary>The names, in order.</summary>
    public IEnumerable<string> Names => _labels.Select(label => label.Key);

    public IReadOnlyList<KeyValuePair<string, string>> Labels => _labels;

    public bool IsMatch(HostState host)
    {
        foreach (var (name, value) in _labels)
            if (!host.Labels.TryGetValue(name, out var own) || own != value)
                return false;
        return true;
    }

    /// <summary>Only these names of it.</summary>
    public SubsetCriteria Keep(IReadOnlyCollection<string> names) => new(_labels.Where(label => names.Contains(label.Key)));

    /// <summary>Both; the other's values win.</summary>
    public SubsetCriteria With(SubsetCriteria other) => new(_labels.Where(label => !other._labels.Any(own => own.Key == label.Key)).Concat(other._labels));

    public bool Equals(SubsetCriteria? other) => other is not null && other._key == _key;

    public override bool Equals(object? obj) => Equals(obj as SubsetCriteria);

    public override int GetHashCode() => _key.GetHashCode(StringComparison.Ordinal);
}

/// <summary>What is done with a request whose subset has no hosts, or that names none.</summary>
internal enum SubsetFallback
{
    None,
    Any,
    Default,
    Keys,
    NotDefined,
}

/// <summary>Label names by which a cluster's hosts are divided. Immutable.</summary>
internal sealed record SubsetSelector(IReadOnlyList<string> Keys, bool SingleHost, SubsetFallback Fallback, IReadOnlyList<string> FallbackKeys);

/// <summary>How a cluster is divided into subsets. Immutable. Source: envoy.config.cluster.v3.Cluster.LbSubsetConfig.</summary>
internal sealed record SubsetSettings(
    IReadOnlyList<SubsetSelector> Selectors, SubsetFallback Fallback, SubsetCriteria Default, bool PanicAny, bool LocalityAware)
{
    /// <summary>The hosts for criteria: those of the selector that has exactly their names, else what the fallback says; null for none.</summary>
    public HostSet? Select(HostSet all, SubsetCriteria? criteria, HostSetRules rules)
    {
        var own = LocalityAware ? rules : rules with { LocalityWeighted = false };
        var selector = criteria is null || criteria.Labels.Count == 0 ? null : Selectors.FirstOrDefault(one => one.Keys.SequenceEqual(criteria.Names));
        if (selector is not null && all.Subset(criteria!, own, selector.SingleHost) is { All.Length: > 0 } found) return found;
        var fallback = selector is null or { Fallback: SubsetFallback.NotDefined } ? Fallback : selector.Fallback;
        var fallen = fallback switch
        {
            SubsetFallback.Any => all.Subset(SubsetCriteria.Any, own),
            SubsetFallback.Default => all.Subset(Default, own),
            SubsetFallback.Keys => Select(all, criteria!.Keep((IReadOnlyCollection<string>)selector!.FallbackKeys), rules),
            _ => null,
        };
        if (fallen is { All.Length: > 0 }) return fallen;
        return PanicAny ? all.Subset(SubsetCriteria.Any, own) : null;
    }
}
