using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Policies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Workers;
using RbacConfig = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;

namespace Lateen.Proxy.Filters.Network.Rbac;

/// <summary>
/// Closes connections that its policies deny, when their first bytes come. Immutable. Source: Envoy's network RBAC filter.
/// differs: CONTINUOUS is judged once too: nothing that the rules look at changes between two reads of a connection here, so that only the
/// counters tell the two apart.
/// </summary>
internal sealed class NetworkRbacFilter(PolicySet rules, long delayMs) : INetworkFilter
{
    public static NetworkRbacFilter Compile(RbacConfig config, string path, FilterContext context)
    {
        if (config.StatPrefix.Length == 0) throw new ConfigRefusedException(path + ".stat_prefix", "is empty");
        if (config.Matcher is not null) throw new ConfigRefusedException(path + ".matcher", "matching trees (xds.type.matcher.v3.Matcher) are not supported");
        if (config.ShadowMatcher is not null) throw new ConfigRefusedException(path + ".shadow_matcher", "matching trees (xds.type.matcher.v3.Matcher) are not supported");
        RefuseHttp(config.Rules, path + ".rules");
        RefuseHttp(config.ShadowRules, path + ".shadow_rules");
        var prefix = config.StatPrefix + (config.StatPrefix.EndsWith('.') ? "" : ".");
        return new NetworkRbacFilter(
            new PolicySet(
                PolicyRules.Compile(config.Rules, path + ".rules"), PolicyRules.Compile(config.ShadowRules, path + ".shadow_rules"),
                "envoy.filters.network.rbac", "", config.ShadowRulesStatPrefix, prefix + "rbac.", context.Stats, null),
            Durations.Ms(config.DelayDeny) ?? 0);
    }

    /// <summary>Connections have no headers: a rule on one would never hold, or always.</summary>
    private static void RefuseHttp(RBAC? rules, string path)
    {
        foreach (var (name, policy) in rules?.Policies.AsEnumerable() ?? [])
            if (policy.Permissions.Any(IsHttp) || policy.Principals.Any(IsHttp))
                throw new ConfigRefusedException($"{path}.policies[{name}]", "looks at headers, which a connection has not");
    }

    private static bool IsHttp(Permission permission) => permission.RuleCase switch
    {
        Permission.RuleOneofCase.Header => true,
        Permission.RuleOneofCase.AndRules => permission.AndRules.Rules.Any(IsHttp),
        Permission.RuleOneofCase.OrRules => permission.OrRules.Rules.Any(IsHttp),
        Permission.RuleOneofCase.NotRule => IsHttp(permission.NotRule),
        _ => false,
    };

    private static bool IsHttp(Principal principal) => principal.IdentifierCase switch
    {
        Principal.IdentifierOneofCase.Header => true,
        Principal.IdentifierOneofCase.AndIds => principal.AndIds.Ids.Any(IsHttp),
        Principal.IdentifierOneofCase.OrIds => principal.OrIds.Ids.Any(IsHttp),
        Principal.IdentifierOneofCase.NotId => IsHttp(principal.NotId),
        _ => false,
    };

    public ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info)
    {
        if (rules.Judge(connection.Stream.Worker, new PolicySubject(info, PolicySubject.NoHeaders, null)) is not { } denied) return new ValueTask<bool>(true);
        info.ConnectionTermination = denied;
        return delayMs > 0 ? DelayAsync(connection.Stream.Worker) : new ValueTask<bool>(false);
    }

    private async ValueTask<bool> DelayAsync(Worker worker)
    {
        await new Delay().WaitAsync(worker, delayMs);
        return false;
    }
}
