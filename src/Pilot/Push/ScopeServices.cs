using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Push;

/// <summary>
/// The services that a proxy can reach, one per host name, and the DestinationRules that apply to each. Immutable: what
/// clusters and endpoints are generated from, so it stays the same object when an edit changes neither.
/// </summary>
internal sealed class ScopeServices
{
    private readonly Dictionary<string, int> _byHost;
    private readonly IReadOnlyList<DestinationRuleEntry>[] _rules;

    public ScopeServices(IReadOnlyList<Service> all, Func<Service, IReadOnlyList<DestinationRuleEntry>> findRules)
    {
        All = all;
        _byHost = new(all.Count, StringComparer.Ordinal);
        _rules = new IReadOnlyList<DestinationRuleEntry>[all.Count];
        for (var i = 0; i < all.Count; i++)
        {
            _byHost[all[i].Hostname] = i;
            _rules[i] = findRules(all[i]);
        }
        HasSelectors = Array.Exists(_rules, r => r.Any(e => e.Selector != null));
    }

    public IReadOnlyList<Service> All { get; }

    /// <summary>Whether some rule is meant for certain clients only.</summary>
    public bool HasSelectors { get; }

    /// <summary>What was generated from these services. Any thread.</summary>
    public GeneratedCache Generated { get; } = new(GeneratedCache.ScopeBound);

    public Service? Find(string hostname) => _byHost.TryGetValue(hostname, out var i) ? All[i] : null;

    /// <summary>
    /// The rule for a service and a client: one whose selector covers the client's labels, else the last without selector
    /// (pilot/pkg/model/sidecar.go#DestinationRule). Selectors count for clients of the rule's own namespace.
    /// </summary>
    public DestinationRuleEntry? RuleFor(string hostname, IReadOnlyDictionary<string, string> clientLabels, string clientNamespace)
    {
        if (!_byHost.TryGetValue(hostname, out var i)) return null;
        DestinationRuleEntry? general = null;
        foreach (var rule in _rules[i])
            if (rule.Selector == null) general = rule;
            else if (rule.Namespace == clientNamespace && Labels.Covers(rule.Selector, clientLabels)) return rule;
        return general;
    }

    public bool AnyRule(Func<DestinationRuleEntry, bool> condition) => Array.Exists(_rules, r => r.Any(condition));

    /// <summary>Which of the selectors cover a client, as a key.</summary>
    public string SelectedBy(IReadOnlyDictionary<string, string> labels)
    {
        if (!HasSelectors) return "";
        return string.Concat(_rules.SelectMany(r => r).Where(e => e.Selector != null).Select(e => Labels.Covers(e.Selector!, labels) ? '1' : '0'));
    }

    public bool SameAs(ScopeServices other)
    {
        if (All.Count != other.All.Count) return false;
        for (var i = 0; i < All.Count; i++)
            if (!ReferenceEquals(All[i], other.All[i]) || !SameRules(_rules[i], other._rules[i])) return false;
        return true;
    }

    private static bool SameRules(IReadOnlyList<DestinationRuleEntry> left, IReadOnlyList<DestinationRuleEntry> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
            if (!ReferenceEquals(left[i], right[i])) return false;
        return true;
    }
}
