using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;
using Value = Google.Protobuf.WellKnownTypes.Value;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>
/// Enforced and shadow rules with their counters: what the HTTP and the network filter have in common. Immutable. Source: Envoy's "Role Based
/// Access Control" filters.
/// </summary>
internal sealed class PolicySet
{
    private readonly PolicyRules? _rules;
    private readonly PolicyRules? _shadow;
    private readonly PolicyStats _stats;
    private readonly PolicyStats _shadowStats;
    private readonly string _shadowResult;
    private readonly string _shadowPolicy;
    private readonly string _result;
    private readonly string _policy;
    private readonly string _namespace;
    private readonly Dictionary<string, PolicyStats>? _perPolicy;

    public PolicySet(PolicyRules? rules, PolicyRules? shadow, string metadata, string rulesPrefix, string shadowPrefix, string statPrefix, StatsStore stats, RBAC? perPolicyOf)
    {
        (_rules, _shadow, _namespace) = (rules, shadow, metadata);
        _stats = stats.Group(statPrefix + rulesPrefix, PolicyStats.Create);
        _shadowStats = stats.Group(statPrefix + shadowPrefix + "shadow_", PolicyStats.Create);
        (_shadowResult, _shadowPolicy) = (shadowPrefix + "shadow_engine_result", shadowPrefix + "shadow_effective_policy_id");
        (_result, _policy) = (rulesPrefix + "enforced_engine_result", rulesPrefix + "enforced_effective_policy_id");
        _perPolicy = perPolicyOf?.Policies.Keys.ToDictionary(name => name, name => stats.Group($"{statPrefix}{rulesPrefix}policy.{name}.", PolicyStats.Create), StringComparer.Ordinal);
    }

    /// <summary>Judges by both sets of rules, counts, and leaves the verdicts in the metadata; null when the subject may go on, else the details of the denial.</summary>
    public string? Judge(Worker worker, in PolicySubject subject)
    {
        if (_shadow is not null)
        {
            var verdict = _shadow.Judge(subject);
            _shadowStats.Add(worker, verdict.Allowed ? PolicyStats.Allowed : PolicyStats.Denied);
            Note(subject, verdict, _shadowResult, _shadowPolicy);
        }
        if (_rules is null) return null;
        var judged = _rules.Judge(subject);
        _rules.Hint(subject.Info, judged);
        var field = judged.Allowed ? PolicyStats.Allowed : PolicyStats.Denied;
        _stats.Add(worker, field);
        if (_perPolicy is not null && judged.Policy is { } policy) _perPolicy[policy.Name].Add(worker, field);
        // differs: Envoy writes the enforced verdict always; an allowed one by no policy would cost every request an allocation and says nothing.
        if (!judged.Allowed) Note(subject, judged, _result, _policy);
        return judged.Allowed ? null : judged.Policy?.Details ?? PolicyRules.NoneDetails;
    }

    private void Note(in PolicySubject subject, in Verdict verdict, string resultKey, string policyKey)
    {
        subject.Info.Metadata.Set(_namespace, resultKey, Value.ForString(verdict.Allowed ? "allowed" : "denied"));
        if (verdict.Policy is { } policy) subject.Info.Metadata.Set(_namespace, policyKey, Value.ForString(policy.Name));
    }
}

/// <summary>Requests or connections that rules allowed and denied.</summary>
internal sealed class PolicyStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Allowed = 0, Denied = 1;

    private static readonly StatField[] All = [new("allowed"), new("denied")];

    public static PolicyStats Create(string prefix, int workers) => new(prefix, workers);
}
