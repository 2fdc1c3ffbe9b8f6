using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// One DestinationRule, or several of one host and namespace merged: subsets add up, the first traffic policy wins.
/// Immutable; the identity of an entry is what clusters are cached by.
/// </summary>
internal sealed class DestinationRuleEntry
{
    public DestinationRuleEntry(IReadOnlyList<ConfigObject> sources, string host)
    {
        Sources = sources;
        Rule = Merge(sources, host);
        Selector = Rule.WorkloadSelector is { MatchLabels.Count: > 0 } selector ? new Dictionary<string, string>(selector.MatchLabels) : null;
        MetadataPath = sources[0].MetadataPath();
    }

    public IReadOnlyList<ConfigObject> Sources { get; }
    public string Namespace => Sources[0].Namespace;
    public DestinationRule Rule { get; }

    /// <summary>The labels of the clients for which the rule is meant; null for all.</summary>
    public IReadOnlyDictionary<string, string>? Selector { get; }

    public string MetadataPath { get; }

    public Subset? FindSubset(string name)
    {
        foreach (var subset in Rule.Subsets)
            if (subset.Name == name) return subset;
        return null;
    }

    public override string ToString() => $"DestinationRule/{Namespace}/{Sources[0].Name}";

    private static DestinationRule Merge(IReadOnlyList<ConfigObject> sources, string host)
    {
        var merged = sources[0].As<DestinationRule>().Clone();
        merged.Host = host;
        foreach (var later in sources.Skip(1).Select(s => s.As<DestinationRule>()))
        {
            merged.TrafficPolicy ??= later.TrafficPolicy;
            foreach (var subset in later.Subsets)
                if (merged.Subsets.All(s => s.Name != subset.Name)) merged.Subsets.Add(subset);
        }
        return merged;
    }
}
