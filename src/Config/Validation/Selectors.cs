using Istio.Type.V1Beta1;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation;

/// <summary>What a policy applies to: workloads by labels, or objects by reference, but not both.</summary>
internal static class Selectors
{
    private static readonly (string Group, string Kind)[] Targets =
    [
        ("", "Service"), ("networking.istio.io", "ServiceEntry"), ("gateway.networking.k8s.io", "Gateway"), ("gateway.networking.k8s.io", "GatewayClass"),
    ];

    /// <summary>The selector of today's policies.</summary>
    public static void Validate(Check check, FieldPath at, WorkloadSelector? selector)
    {
        if (selector is null) return;
        LabelSyntax.ValidateSelector(check, at["matchLabels"], selector.MatchLabels);
        if (selector.MatchLabels.Count == 0) check.Warn(at, "workload selector specified without labels");
    }

    /// <summary>The older selector of networking; false when it is refused, after which Istio looks no further.</summary>
    public static bool Validate(Check check, FieldPath at, Istio.Networking.V1Alpha3.WorkloadSelector? selector, string what)
    {
        if (selector is null) return true;
        var before = check.ErrorCount;
        LabelSyntax.ValidateSelector(check, at["labels"], selector.Labels);
        if (check.ErrorCount > before) return false;
        if (selector.Labels.Count == 0) check.Warn(at, $"{what}: workload selector specified without labels, will be applied to all services in namespace");
        return true;
    }

    /// <summary>Selector and references of a policy together.</summary>
    public static void Validate(Check check, WorkloadSelector? selector, PolicyTargetReference? target, IList<PolicyTargetReference> targets)
    {
        var spec = FieldPath.Spec;
        if ((selector is null ? 0 : 1) + (target is null ? 0 : 1) + (targets.Count > 0 ? 1 : 0) > 1)
            check.Error(spec["selector"], "only one of targetRefs or workloadSelector can be set");
        Validate(check, spec["selector"], selector);
        Reference(check, spec["targetRef"], target);
        for (var i = 0; i < targets.Count; i++) Reference(check, spec["targetRefs"][i], targets[i]);
    }

    private static void Reference(Check check, FieldPath at, PolicyTargetReference? target)
    {
        if (target is null) return;
        if (target.Name.Length == 0) check.Error(at["name"], "targetRef name must be set");
        if (target.Namespace.Length > 0) check.Error(at["namespace"], "targetRef namespace must not be set; cross namespace referencing is not supported");
        if (!Targets.Contains((target.Group == "core" ? "" : target.Group, target.Kind)))
            check.Error(at, $"targetRef must be to one of [core/Service networking.istio.io/ServiceEntry gateway.networking.k8s.io/Gateway gateway.networking.k8s.io/GatewayClass] but was {target.Group}/{target.Kind}");
    }
}
