using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>DestinationRule: host, traffic policy, subsets.</summary>
internal static class DestinationRuleRules
{
    public static void Validate(Check check)
    {
        var rule = check.Object.As<DestinationRule>();
        var spec = FieldPath.Spec;
        check.Error(spec["host"], DnsNames.CheckWildcardDomain(rule.Host, check.Original));
        TrafficPolicies.Validate(check, spec["trafficPolicy"], rule.TrafficPolicy);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < rule.Subsets.Count; i++)
        {
            var (subset, at) = (rule.Subsets[i], spec["subsets"][i]);
            if (!names.Add(subset.Name) && !check.Original) check.Error(at["name"], $"duplicate subset names: {subset.Name}");
            check.Error(at["name"], Destinations.CheckSubsetName(subset.Name));
            LabelSyntax.Validate(check, at["labels"], subset.Labels);
            TrafficPolicies.Validate(check, at["trafficPolicy"], subset.TrafficPolicy);
        }
        Exports.Validate(check, spec["exportTo"], rule.ExportTo, hasSelector: rule.WorkloadSelector is not null);
        Selectors.Validate(check, spec["workloadSelector"], rule.WorkloadSelector);
    }
}
