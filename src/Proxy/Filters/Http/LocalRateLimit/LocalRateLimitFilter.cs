using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using LocalRateLimitConfig = Envoy.Extensions.Filters.Http.LocalRatelimit.V3.LocalRateLimit;

namespace Lateen.Proxy.Filters.Http.LocalRateLimit;

/// <summary>
/// Answers requests for which no token is left with 429. A route may have a bucket of its own. Source: Envoy's local rate limit filter.
/// </summary>
internal sealed class LocalRateLimitFilter(string name, LocalRateLimitSettings own) : IHttpFilter
{
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var settings = exchange.RouteConfig<LocalRateLimitRoute>(name)?.Settings(exchange.Context.Stats) ?? own;
        var worker = exchange.Worker;
        if (settings.Bucket is not { } bucket || !Hits(settings.EnabledPercent, worker.Random)) return FilterResult.Continue;
        settings.Stats.Add(worker, LocalRateLimitStats.Enabled);
        if (bucket.TryTake(worker.Now))
        {
            settings.Stats.Add(worker, LocalRateLimitStats.Ok);
            return FilterResult.Continue;
        }
        settings.Stats.Add(worker, LocalRateLimitStats.RateLimited);
        if (!Hits(settings.EnforcedPercent, worker.Random))
        {
            settings.NotEnforced.Apply(exchange.Request, exchange.Format, exchange.Scratch);
            return FilterResult.Continue;
        }
        settings.Stats.Add(worker, LocalRateLimitStats.Enforced);
        exchange.Response.Clear();
        settings.Response.Apply(exchange.Response, exchange.Format, exchange.Scratch);
        await exchange.ReplyAsync(EndReason.RateLimited, settings.Status, "local_rate_limited"u8.ToArray(), keepHeaders: true, grpcStatus: settings.GrpcStatus);
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    private static bool Hits(double percent, Random random) => percent >= 100 || percent > 0 && random.NextDouble() * 100 < percent;
}

/// <summary>Limits of a filter or of a route. Percent from 0 to 100. Immutable but for its bucket.</summary>
internal sealed record LocalRateLimitSettings(
    TokenBucket? Bucket, double EnabledPercent, double EnforcedPercent, int Status, int? GrpcStatus, HeaderOperations Response, HeaderOperations NotEnforced, LocalRateLimitStats Stats)
{
    private const int ResourceExhausted = 8;

    public static LocalRateLimitSettings Compile(LocalRateLimitConfig config, string path, StatsStore stats)
    {
        if (config.StatPrefix.Length == 0) throw new ConfigRefusedException(path + ".stat_prefix", "is empty");
        if (config.Descriptors.Count > 0) throw new ConfigRefusedException(path + ".descriptors", "are not supported");
        if (config.RateLimits.Count > 0) throw new ConfigRefusedException(path + ".rate_limits", "are not supported");
        if (config.LocalRateLimitPerDownstreamConnection) throw new ConfigRefusedException(path + ".local_rate_limit_per_downstream_connection", "is not supported");
        if (config.LocalClusterRateLimit is not null) throw new ConfigRefusedException(path + ".local_cluster_rate_limit", "is not supported");
        if (config.EnableXRatelimitHeaders != Envoy.Extensions.Common.Ratelimit.V3.XRateLimitHeadersRFCVersion.Off) throw new ConfigRefusedException(path + ".enable_x_ratelimit_headers", "is not supported");
        var status = (int)(config.Status?.Code ?? 0);
        return new LocalRateLimitSettings(
            config.TokenBucket is { } bucket ? new TokenBucket(bucket, path + ".token_bucket") : null,
            config.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 0,
            config.FilterEnforced?.DefaultValue is { } enforced ? Percent.Of(enforced) : 0,
            status < 400 ? 429 : status,
            config.RateLimitedAsResourceExhausted ? ResourceExhausted : null,
            HeaderOperations.Compile(config.ResponseHeadersToAdd, [], path + ".response_headers_to_add"),
            HeaderOperations.Compile(config.RequestHeadersToAddWhenNotEnforced, [], path + ".request_headers_to_add_when_not_enforced"),
            stats.Group($"{config.StatPrefix}.http_local_rate_limit.", LocalRateLimitStats.Create));
    }
}

/// <summary>What a route says: its bucket is one for all workers and connections. Its counters are found at the first request. Any thread.</summary>
internal sealed class LocalRateLimitRoute
{
    private readonly LocalRateLimitConfig _config;
    private readonly Lock _binding = new();
    private volatile LocalRateLimitSettings? _settings;

    public LocalRateLimitRoute(LocalRateLimitConfig config, string path)
    {
        _config = config;
        // Refused now, and not at the first request.
        LocalRateLimitSettings.Compile(config, path, new StatsStore(0));
    }

    public LocalRateLimitSettings Settings(StatsStore stats)
    {
        if (_settings is { } settings) return settings;
        lock (_binding) return _settings ??= LocalRateLimitSettings.Compile(_config, "", stats);
    }
}

/// <summary>Tokens that come back by the interval. Any thread. Source: envoy.type.v3.TokenBucket.</summary>
internal sealed class TokenBucket
{
    private readonly long _most;
    private readonly long _perFill;
    private readonly long _intervalMs;
    private readonly Lock _turn = new();
    private long _tokens;
    private long _filled = -1;

    public TokenBucket(Envoy.Type.V3.TokenBucket config, string path)
    {
        (_most, _perFill, _intervalMs) = (config.MaxTokens, config.TokensPerFill ?? 1, Durations.Ms(config.FillInterval) ?? 0);
        if (_most == 0) throw new ConfigRefusedException(path + ".max_tokens", "is 0");
        if (_perFill == 0) throw new ConfigRefusedException(path + ".tokens_per_fill", "is 0");
        if (_intervalMs < 50) throw new ConfigRefusedException(path + ".fill_interval", "is less than 50 ms");
        _tokens = _most;
    }

    /// <param name="now">Milliseconds of a monotonic clock.</param>
    public bool TryTake(long now)
    {
        lock (_turn)
        {
            if (_filled < 0) _filled = now;
            var fills = (now - _filled) / _intervalMs;
            if (fills > 0)
            {
                _filled += fills * _intervalMs;
                _tokens = fills >= _most ? _most : Math.Min(_most, _tokens + fills * _perFill);
            }
            if (_tokens == 0) return false;
            _tokens--;
            return true;
        }
    }
}

/// <summary>Statistics of a limit. Source: Envoy's "Local rate limit", statistics.</summary>
internal sealed class LocalRateLimitStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Enabled = 0, Enforced = 1, RateLimited = 2, Ok = 3;

    private static readonly StatField[] All = [new("enabled"), new("enforced"), new("rate_limited"), new("ok")];

    public static LocalRateLimitStats Create(string prefix, int workers) => new(prefix, workers);
}
