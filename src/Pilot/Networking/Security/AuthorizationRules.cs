using Envoy.Config.Rbac.V3;
using Istio.Security.V1Beta1;
using PolicyAction = Envoy.Config.Rbac.V3.RBAC.Types.Action;

namespace Lateen.Pilot.Networking.Security;

/// <summary>Where a rule is to apply: to connections or requests, its policy's namespace, the trust domains of the mesh. Immutable.</summary>
internal sealed record RuleContext(bool IsTcp, string Namespace, IReadOnlyList<string> TrustDomains);

/// <summary>
/// A rule of an AuthorizationPolicy as a policy of Envoy's RBAC filters (pilot/pkg/security/authz/model): what is asked for becomes
/// permissions, who asks principals.
/// </summary>
internal static class AuthorizationRules
{
    private static readonly IEnumerable<Operation?> NoOperation = [null];
    private static readonly IEnumerable<Source?> NoSource = [null];

    /// <summary>A policy without rules allows and denies nothing.</summary>
    public static Policy Never() => new() { Permissions = { new Permission { NotRule = new() { Any = true } } }, Principals = { new Principal { NotId = new() { Any = true } } } };

    /// <summary>Null when the rule says nothing that can be judged here, and must not allow anything.</summary>
    public static Policy? Build(Rule rule, PolicyAction action, RuleContext context)
    {
        var strict = action == PolicyAction.Allow;
        var permissions = rule.When.Select(w => PermissionAttributes.Of(w, context)).OfType<RuleAttribute<Permission>>().ToList();
        var principals = rule.When.Select(w => PrincipalAttributes.Of(w, context)).OfType<RuleAttribute<Principal>>().ToList();
        var policy = new Policy();
        foreach (var to in rule.To.Count == 0 ? NoOperation : rule.To.Select(t => t.Operation))
        {
            var all = new List<Permission>();
            foreach (var attribute in PermissionAttributes.Of(to, context).Concat(permissions))
                if (!attribute.TryAdd(all, strict, PermissionAttributes.Any, PermissionAttributes.Not)) return null;
            if (all.Count == 0) all.Add(new() { Any = true });
            policy.Permissions.Add(new Permission { AndRules = new() { Rules = { all } } });
        }
        foreach (var from in rule.From.Count == 0 ? NoSource : rule.From.Select(f => f.Source))
        {
            var all = new List<Principal>();
            foreach (var attribute in PrincipalAttributes.Of(from, context).Concat(principals))
                if (!attribute.TryAdd(all, strict, PrincipalAttributes.Any, PrincipalAttributes.Not)) return null;
            if (all.Count == 0) all.Add(new() { Any = true });
            policy.Principals.Add(new Principal { AndIds = new() { Ids = { all } } });
        }
        return policy;
    }
}
