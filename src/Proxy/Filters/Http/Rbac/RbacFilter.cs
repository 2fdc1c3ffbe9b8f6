using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Policies;
using Lateen.Proxy.Http.Connections;
using RbacConfig = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;
using RbacPerRoute = Envoy.Extensions.Filters.Http.Rbac.V3.RBACPerRoute;

namespace Lateen.Proxy.Filters.Http.Rbac;

/// <summary>Lets requests through that its policies allow, and answers the others with 403. Source: Envoy's HTTP RBAC filter.</summary>
internal sealed class RbacFilter(FilterContext context, PolicySet own) : IHttpFilter
{
    public static RbacFilter Compile(RbacConfig config, string path, FilterContext context) => new(context, new RbacRouteConfig(config, path).For(context));

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        // A route's own rules replace the filter's; without any it is left alone.
        var route = exchange.RouteConfig(context.Name);
        var rules = route?.Config is RbacRouteConfig config ? config.For(context) : own;
        var denied = rules.Judge(exchange.Worker, new PolicySubject(exchange.Info, exchange.Request, exchange.Route?.Metadata));
        return denied is null ? new ValueTask<FilterResult>(FilterResult.Continue) : DenyAsync(exchange, denied);
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    private static async ValueTask<FilterResult> DenyAsync(HttpExchange exchange, string details)
    {
        await exchange.ReplyAsync(EndReason.RbacDenied, codeDetails: details);
        return FilterResult.Stop;
    }
}

/// <summary>
/// Rules that a route brings. Their counters belong to the filter that applies them, which is not known when the route is compiled: they
/// are bound to it at the first request. Any thread.
/// </summary>
internal sealed class RbacRouteConfig
{
    private readonly PolicyRules? _rules;
    private readonly PolicyRules? _shadow;
    private readonly RbacConfig _config;
    private volatile Binding? _bound;

    public RbacRouteConfig(RbacConfig config, string path)
    {
        if (config.Matcher is not null) throw new ConfigRefusedException(path + ".matcher", "matching trees (xds.type.matcher.v3.Matcher) are not supported");
        if (config.ShadowMatcher is not null) throw new ConfigRefusedException(path + ".shadow_matcher", "matching trees (xds.type.matcher.v3.Matcher) are not supported");
        (_rules, _shadow, _config) = (PolicyRules.Compile(config.Rules, path + ".rules"), PolicyRules.Compile(config.ShadowRules, path + ".shadow_rules"), config);
    }

    public static RbacRouteConfig Compile(RbacPerRoute config, string path) => new(config.Rbac ?? new RbacConfig(), path + ".rbac");

    public PolicySet For(FilterContext context)
    {
        if (_bound is { } bound && ReferenceEquals(bound.Context, context)) return bound.Set;
        var set = new PolicySet(
            _rules, _shadow, "envoy.filters.http.rbac", _config.RulesStatPrefix, _config.ShadowRulesStatPrefix, context.StatPrefix + "rbac.", context.Stats,
            _config.TrackPerRuleStats ? _config.Rules : null);
        _bound = new Binding(context, set);
        return set;
    }

    private sealed record Binding(FilterContext Context, PolicySet Set);
}
