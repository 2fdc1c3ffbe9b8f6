using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>What rules said of a subject; the policy is the first, by name, that applies, null for none.</summary>
internal readonly record struct Verdict(bool Allowed, CompiledPolicy? Policy);

/// <summary>One policy, and the response code details of a denial by it. Immutable.</summary>
internal sealed record CompiledPolicy(string Name, PolicyCondition Condition, string Details);

/// <summary>
/// Policies and what becomes of a subject that one of them applies to. Immutable. Source: envoy.config.rbac.v3.RBAC.
/// </summary>
internal sealed class PolicyRules
{
    /// <summary>Response code details of a denial because no policy applies.</summary>
    public const string NoneDetails = "rbac_access_denied_matched_policy[none]";

    private readonly CompiledPolicy[] _policies;
    private readonly RBAC.Types.Action _action;

    private PolicyRules(CompiledPolicy[] policies, RBAC.Types.Action action) => (_policies, _action) = (policies, action);

    /// <summary>Null when there are no rules.</summary>
    public static PolicyRules? Compile(RBAC? rules, string path)
    {
        if (rules is null) return null;
        if (rules.AuditLoggingOptions?.LoggerConfigs.Any(logger => !logger.IsOptional) == true) throw new ConfigRefusedException(path + ".audit_logging_options", "audit loggers are not supported");
        return new PolicyRules([.. rules.Policies.OrderBy(policy => policy.Key, StringComparer.Ordinal).Select(policy => Compile(policy.Key, policy.Value, $"{path}.policies[{policy.Key}]"))], rules.Action);
    }

    public Verdict Judge(in PolicySubject subject)
    {
        CompiledPolicy? first = null;
        foreach (var policy in _policies)
            if (policy.Condition(subject))
            {
                first = policy;
                break;
            }
        return new Verdict(_action == RBAC.Types.Action.Log || first is not null == (_action == RBAC.Types.Action.Allow), first);
    }

    /// <summary>Tells access loggers what LOG rules found. Source: Envoy, RoleBasedAccessControlEngineImpl::handleAction.</summary>
    public void Hint(StreamInfo info, in Verdict verdict)
    {
        if (_action == RBAC.Types.Action.Log) info.Metadata.Set("envoy.common", "access_log_hint", Google.Protobuf.WellKnownTypes.Value.ForBool(verdict.Policy is not null));
    }

    private static CompiledPolicy Compile(string name, Policy policy, string path)
    {
        if (policy.Condition is not null || policy.CheckedCondition is not null) throw new ConfigRefusedException(path + ".condition", "CEL expressions are not supported");
        if (policy.Permissions.Count == 0) throw new ConfigRefusedException(path + ".permissions", "is empty");
        if (policy.Principals.Count == 0) throw new ConfigRefusedException(path + ".principals", "is empty");
        var permitted = PolicyConditions.Any([.. policy.Permissions.Select((permission, i) => Permissions.Compile(permission, $"{path}.permissions[{i}]"))]);
        var known = PolicyConditions.Any([.. policy.Principals.Select((principal, i) => Principals.Compile(principal, $"{path}.principals[{i}]"))]);
        // Blanks would break the log's columns: Envoy writes underscores too.
        var shown = string.Concat(name.Select(c => char.IsWhiteSpace(c) ? '_' : c));
        return new CompiledPolicy(name, PolicyConditions.All([permitted, known]), $"rbac_access_denied_matched_policy[{shown}]");
    }
}
