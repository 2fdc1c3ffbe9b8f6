using System.Globalization;
using Envoy.Config.Listener.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Security.V1Beta1;
using Lateen.Config;
using Lateen.Pilot.Push;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;
using NetworkRbac = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;
using Provider = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider;
using PolicyAction = Envoy.Config.Rbac.V3.RBAC.Types.Action;
using Wanted = Istio.Security.V1Beta1.AuthorizationPolicy.Types.Action;

namespace Lateen.Pilot.Networking.Security;

/// <summary>
/// The filters that AuthorizationPolicies make of a workload's requests and connections: first what another server decides, then what is only logged, then what is denied, then
/// what alone is allowed (pilot/pkg/security/authz/builder/builder.go).
/// </summary>
internal static class AuthorizationFilters
{
    private const string HttpName = "envoy.filters.http.rbac";
    private const string NetworkName = "envoy.filters.network.rbac";
    private const string DryRunAnnotation = "istio.io/dry-run";

    private static readonly (Wanted Wanted, PolicyAction Action)[] Order = [(Wanted.Audit, PolicyAction.Log), (Wanted.Deny, PolicyAction.Deny), (Wanted.Allow, PolicyAction.Allow)];

    public static IEnumerable<HttpFilter> Http(WorkloadPolicies policies, MeshSettings mesh)
    {
        foreach (var (provider, rules) in Asked(policies, mesh, tcp: false))
        {
            yield return Http(null, rules, ExternalAuthorization.StatPrefix);
            yield return ExternalAuthorization.Http(provider);
        }
        foreach (var (enforced, tried) in Rules(policies, mesh, tcp: false)) yield return Http(enforced, tried, StatPrefix(tried));
    }

    public static IEnumerable<Filter> Network(WorkloadPolicies policies, MeshSettings mesh)
    {
        foreach (var (provider, rules) in Asked(policies, mesh, tcp: true))
        {
            if (ExternalAuthorization.Network(provider) is not { } asks) continue;
            yield return Network(null, rules, ExternalAuthorization.StatPrefix);
            yield return asks;
        }
        foreach (var (enforced, tried) in Rules(policies, mesh, tcp: true)) yield return Network(enforced, tried, StatPrefix(tried));
    }

    private static HttpFilter Http(RBAC? enforced, RBAC? tried, string prefix) =>
        new() { Name = HttpName, TypedConfig = Any.Pack(new HttpRbac { Rules = enforced, ShadowRules = tried, ShadowRulesStatPrefix = prefix }) };

    private static Filter Network(RBAC? enforced, RBAC? tried, string prefix) =>
        new() { Name = NetworkName, TypedConfig = Any.Pack(new NetworkRbac { Rules = enforced, ShadowRules = tried, ShadowRulesStatPrefix = prefix, StatPrefix = "tcp." }) };

    /// <summary>The servers that are to decide, and what about: rules that deny nothing by themselves.</summary>
    private static IEnumerable<(Provider Provider, RBAC Rules)> Asked(WorkloadPolicies policies, MeshSettings mesh, bool tcp)
    {
        var domains = TrustDomains.Of(mesh.Config);
        foreach (var group in policies.Authorization.Where(c => c.As<AuthorizationPolicy>().Action == Wanted.Custom).GroupBy(c => c.As<AuthorizationPolicy>().Provider?.Name ?? "", StringComparer.Ordinal))
        {
            if (ExternalAuthorization.Find(mesh, group.Key) is not { } provider) continue;
            var rules = new RBAC { Action = PolicyAction.Deny };
            foreach (var config in group) Add(rules, config, config.As<AuthorizationPolicy>(), new(tcp, config.Namespace, domains), ExternalAuthorization.RulePrefix + provider.Name + "-");
            yield return (provider, rules);
        }
    }

    /// <summary>For each action what counts, and what is only tried.</summary>
    private static IEnumerable<(RBAC? Enforced, RBAC? Tried)> Rules(WorkloadPolicies policies, MeshSettings mesh, bool tcp)
    {
        var domains = TrustDomains.Of(mesh.Config);
        foreach (var (wanted, action) in Order)
        {
            RBAC? enforced = null;
            RBAC? tried = null;
            foreach (var config in policies.Authorization)
            {
                var policy = config.As<AuthorizationPolicy>();
                if (ActionOf(policy, mesh) != wanted) continue;
                var rules = IsDryRun(config) ? tried ??= new() { Action = action } : enforced ??= new() { Action = action };
                Add(rules, config, policy, new(tcp, config.Namespace, domains));
            }
            if (enforced != null || tried != null) yield return (enforced, tried);
        }
    }

    /// <summary>What a server that is not known is to decide is denied; null for what a known one decides.</summary>
    private static Wanted? ActionOf(AuthorizationPolicy policy, MeshSettings mesh) =>
        policy.Action != Wanted.Custom ? policy.Action : ExternalAuthorization.Find(mesh, policy.Provider?.Name ?? "") == null ? Wanted.Deny : null;

    private static void Add(RBAC rules, ConfigObject config, AuthorizationPolicy policy, RuleContext context, string prefix = "")
    {
        for (var i = 0; i < policy.Rules.Count; i++)
            if (AuthorizationRules.Build(policy.Rules[i], rules.Action, context) is { } built) rules.Policies[prefix + NameOf(config, i)] = built;
        if (policy.Rules.Count == 0) rules.Policies[prefix + NameOf(config, 0)] = AuthorizationRules.Never();
    }

    private static bool IsDryRun(ConfigObject config) => config.Annotations.TryGetValue(DryRunAnnotation, out var value) && value is "true" or "1" or "t" or "T" or "TRUE" or "True";

    private static string StatPrefix(RBAC? tried) => tried?.Action == PolicyAction.Deny ? "istio_dry_run_deny_" : "istio_dry_run_allow_";

    private static string NameOf(ConfigObject config, int rule) => string.Create(CultureInfo.InvariantCulture, $"ns[{config.Namespace}]-policy[{config.Name}]-rule[{rule}]");
}
