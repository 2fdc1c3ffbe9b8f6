using System.Text;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>
/// Lets requests through that bring the tokens which the first matching rule asks for, and answers the others with 401, or 403 for a token
/// that is meant for somebody else. Immutable but for its caches. Source: Envoy's JWT authentication filter; RFC 6750.
/// </summary>
internal sealed class JwtAuthnFilter : IHttpFilter
{
    private readonly FilterContext _context;
    private readonly JwtStats _stats;
    private readonly JwtProvider[] _providers;
    private readonly (RouteMatcher Match, JwtRequirementCheck? Check)[] _rules;
    private readonly Dictionary<string, JwtRequirementCheck> _named;
    private readonly string? _stateKey;
    private readonly Dictionary<string, JwtRequirementCheck> _byState = [];
    private readonly bool _bypassPreflight;
    private readonly bool _stripFailure;

    public JwtAuthnFilter(JwtAuthentication config, string path, FilterContext context)
    {
        _context = context;
        _stats = context.Stats.Group($"{context.StatPrefix}jwt_authn.{config.StatPrefix}", JwtStats.Create);
        var providers = config.Providers.ToDictionary(pair => pair.Key, pair => new JwtProvider(pair.Key, pair.Value, $"{path}.providers[{pair.Key}]", _stats), StringComparer.Ordinal);
        _providers = [.. providers.Values];
        _named = config.RequirementMap.ToDictionary(pair => pair.Key, pair => JwtRequirementCheck.Compile(pair.Value, providers, $"{path}.requirement_map[{pair.Key}]"), StringComparer.Ordinal);
        _rules = [.. config.Rules.Select((rule, i) => CompileRule(rule, providers, $"{path}.rules[{i}]"))];
        if (config.FilterStateRules is { } rules)
        {
            _stateKey = rules.Name;
            foreach (var (value, requirement) in rules.Requires) _byState[value] = JwtRequirementCheck.Compile(requirement, providers, $"{path}.filter_state_rules.requires[{value}]");
        }
        (_bypassPreflight, _stripFailure) = (config.BypassCorsPreflight, config.StripFailureResponse);
    }

    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var request = exchange.Request;
        if (_bypassPreflight && request[KnownHeader.Method].SequenceEqual("OPTIONS"u8) && request.Has(KnownHeader.Origin) && request.Has(KnownHeader.RequestMethod))
        {
            _stats.Add(exchange.Worker, JwtStats.PreflightBypassed);
            return FilterResult.Continue;
        }
        // What tells of claims comes from here alone, with or without a token.
        foreach (var provider in _providers) provider.Effects.Strip(request);
        JwtRequirementCheck? check;
        if (exchange.RouteConfig<JwtRouteConfig>(_context.Name) is not { } route) check = Find(exchange);
        else if (route.RequirementName is null) check = null;
        else if (!_named.TryGetValue(route.RequirementName, out check)) return await RefuseAsync(exchange, 403, $"Wrong requirement_name: {route.RequirementName}. It should be one of [{string.Join(',', _named.Keys)}]", null);
        var status = check is null ? JwtStatus.Ok : await check.VerifyAsync(exchange, _stats);
        if (status == JwtStatus.Ok)
        {
            _stats.Add(exchange.Worker, JwtStats.Allowed);
            return FilterResult.Continue;
        }
        return await RefuseAsync(exchange, status is JwtStatus.AudienceNotAllowed ? 403 : 401, JwtStatusText.Of(status), status);
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    private (RouteMatcher, JwtRequirementCheck?) CompileRule(RequirementRule rule, Dictionary<string, JwtProvider> providers, string path)
    {
        var match = RouteCompiler.CompileMatch(rule.Match ?? throw new ConfigRefusedException(path + ".match", "is missing"), path + ".match");
        if (match.Facts.Length > 0) throw new ConfigRefusedException(path + ".match", "asks for more than the request itself, which is not supported here");
        return rule.RequirementTypeCase switch
        {
            RequirementRule.RequirementTypeOneofCase.Requires => (match, JwtRequirementCheck.Compile(rule.Requires, providers, path + ".requires")),
            RequirementRule.RequirementTypeOneofCase.RequirementName =>
                (match, _named.GetValueOrDefault(rule.RequirementName) ?? throw new ConfigRefusedException(path + ".requirement_name", $"{rule.RequirementName} is not in requirement_map")),
            _ => (match, null),
        };
    }

    private JwtRequirementCheck? Find(HttpExchange exchange)
    {
        var target = exchange.Request[KnownHeader.Path];
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        var path = end < 0 ? target : target[..end];
        var query = end >= 0 && target[end] == '?' ? target[(end + 1)..] : default;
        foreach (var (match, check) in _rules)
            if (match.IsMatch(exchange.Request, path, query, exchange.Worker.Random))
                return check;
        return _stateKey is not null && exchange.Info.FilterState.Find(_stateKey)?.ToString() is { } value ? _byState.GetValueOrDefault(value) : null;
    }

    private async ValueTask<FilterResult> RefuseAsync(HttpExchange exchange, int code, string text, JwtStatus? status)
    {
        _stats.Add(exchange.Worker, JwtStats.Denied);
        exchange.Response.Clear();
        if (status is not null) exchange.Response.Add("www-authenticate"u8, Challenge(exchange, status));
        await exchange.ReplyAsync(
            EndReason.FilterReply, code, _stripFailure ? default(ReadOnlyMemory<byte>) : Encoding.UTF8.GetBytes(text), keepHeaders: true,
            codeDetails: $"jwt_authn_access_denied{{{text.Replace(' ', '_')}}}");
        return FilterResult.Stop;
    }

    /// <summary>differs: Envoy's realm holds the query too, and with it a token that came in it.</summary>
    private byte[] Challenge(HttpExchange exchange, JwtStatus? status)
    {
        if (_stripFailure) return "Bearer"u8.ToArray();
        var target = Encoding.Latin1.GetString(exchange.Request[KnownHeader.Path]).Split('?')[0];
        var realm = $"{Encoding.Latin1.GetString(exchange.Request[KnownHeader.Scheme])}://{Encoding.Latin1.GetString(exchange.Request[KnownHeader.Authority])}{target}".Replace("\"", "", StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes($"Bearer realm=\"{realm}\"{(status == JwtStatus.Missing ? "" : ", error=\"invalid_token\"")}");
    }
}

/// <summary>What a route says to the filter: null for no check at all. Immutable.</summary>
internal sealed record JwtRouteConfig(string? RequirementName)
{
    public static JwtRouteConfig Compile(PerRouteConfig config, string path) => config.RequirementSpecifierCase switch
    {
        PerRouteConfig.RequirementSpecifierOneofCase.Disabled when config.Disabled => new JwtRouteConfig((string?)null),
        PerRouteConfig.RequirementSpecifierOneofCase.RequirementName when config.RequirementName.Length > 0 => new JwtRouteConfig(config.RequirementName),
        _ => throw new ConfigRefusedException(path, "neither disables the filter nor names a requirement"),
    };
}

/// <summary>Statistics of a JWT filter. Source: Envoy's "JWT Authentication", statistics.</summary>
internal sealed class JwtStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Allowed = 0, PreflightBypassed = 1, Denied = 2, FetchSuccess = 3, FetchFailed = 4, CacheHit = 5, CacheMiss = 6;

    private static readonly StatField[] All =
    [
        new("allowed"), new("cors_preflight_bypassed"), new("denied"), new("jwks_fetch_success"), new("jwks_fetch_failed"), new("jwt_cache_hit"), new("jwt_cache_miss"),
    ];

    public static JwtStats Create(string prefix, int workers) => new(prefix, workers);
}
