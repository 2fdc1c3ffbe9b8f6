using Istio.Security.V1Beta1;
using Lateen.Config.Reading;
using static Istio.Security.V1Beta1.AuthorizationPolicy.Types;

namespace Lateen.Config.Validation.Security;

/// <summary>AuthorizationPolicy: rules that can match, with what each action may look at.</summary>
internal static class AuthorizationPolicyRules
{
    private const string Meaningless = "without `rules` is meaningless as it will never be triggered, add an empty rule `{}` if you want it be triggered for every request";

    public static void Validate(Check check)
    {
        var policy = check.Object.As<AuthorizationPolicy>();
        var spec = FieldPath.Spec;
        Selectors.Validate(check, policy.Selector, policy.TargetRef, policy.TargetRefs);
        if (policy.Action == AuthorizationPolicy.Types.Action.Custom) Custom(check, spec, policy);
        else if (policy.Provider is not null)
            check.Error(spec["provider"], $"`provider` must not be with non CUSTOM action, found {policy.Action.ToString().ToUpperInvariant()}");
        if (policy.Action == AuthorizationPolicy.Types.Action.Deny && policy.Rules.Count == 0) check.Error(spec["rules"], $"DENY action {Meaningless}");
        for (var i = 0; i < policy.Rules.Count; i++) ValidateRule(check, spec["rules"][i], i, policy.Rules[i], policy.Action);
    }

    private static void ValidateRule(Check check, FieldPath at, int index, Rule rule, AuthorizationPolicy.Types.Action action)
    {
        bool hasFrom = false, hasTo = false, tcpFrom = false, tcpTo = false;
        for (var i = 0; i < rule.From.Count; i++)
        {
            if (rule.From[i].Source is not { } source)
            {
                check.Error(at["from"][i]["source"], $"`from.source` must not be nil, found at rule {index}");
                continue;
            }
            hasFrom = true;
            tcpFrom |= Sources.Validate(check, at["from"][i]["source"], index, source);
        }
        for (var i = 0; i < rule.To.Count; i++)
        {
            if (rule.To[i].Operation is not { } operation)
            {
                check.Error(at["to"][i]["operation"], $"`to.operation` must not be nil, found at rule {index}");
                continue;
            }
            hasTo = true;
            tcpTo |= Operations.Validate(check, at["to"][i]["operation"], index, operation);
        }
        for (var i = 0; i < rule.When.Count; i++) Conditions.Validate(check, at["when"][i], rule.When[i]);
        if (action == AuthorizationPolicy.Types.Action.Deny && ((hasFrom && !hasTo && !tcpFrom) || (hasTo && !tcpTo)))
            check.Warn(at, "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP attributes in a DENY rule; it is recommended to explicitly specify the port");
    }

    private static void Custom(Check check, FieldPath spec, AuthorizationPolicy policy)
    {
        if (policy.Rules.Count == 0) check.Error(spec["rules"], $"CUSTOM action {Meaningless}");
        else if (string.IsNullOrEmpty(policy.Provider?.Name)) check.Error(spec["provider"]["name"], "`provider.name` must not be empty");
        for (var i = 0; i < policy.Rules.Count; i++)
        {
            var at = spec["rules"][i];
            for (var j = 0; j < policy.Rules[i].From.Count; j++)
            {
                if (policy.Rules[i].From[j].Source is not { } source) continue;
                var path = at["from"][j]["source"];
                Refuse(path["namespaces"], source.Namespaces.Count, "From.Namespaces");
                Refuse(path["notNamespaces"], source.NotNamespaces.Count, "From.NotNamespaces");
                Refuse(path["serviceAccounts"], source.ServiceAccounts.Count, "From.ServiceAccounts");
                Refuse(path["notServiceAccounts"], source.NotServiceAccounts.Count, "From.NotServiceAccounts");
                Refuse(path["trustDomains"], source.TrustDomains.Count, "From.TrustDomains");
                Refuse(path["notTrustDomains"], source.NotTrustDomains.Count, "From.NotTrustDomains");
                Refuse(path["principals"], source.Principals.Count, "From.Principals");
                Refuse(path["notPrincipals"], source.NotPrincipals.Count, "From.NotPrincipals");
                Refuse(path["requestPrincipals"], source.RequestPrincipals.Count, "From.RequestPrincipals");
                Refuse(path["notRequestPrincipals"], source.NotRequestPrincipals.Count, "From.NotRequestPrincipals");
            }
            for (var j = 0; j < policy.Rules[i].When.Count; j++)
            {
                var key = policy.Rules[i].When[j].Key;
                var refused = key is "source.namespace" or "source.serviceAccount" or "source.trustDomain" or "source.principal"
                    || key.StartsWith("request.auth.", StringComparison.Ordinal);
                Refuse(at["when"][j]["key"], refused ? 1 : 0, key);
            }
        }

        void Refuse(FieldPath path, int count, string name)
        {
            if (count > 0) check.Error(path, $"{name} is currently not supported with CUSTOM action");
        }
    }
}
