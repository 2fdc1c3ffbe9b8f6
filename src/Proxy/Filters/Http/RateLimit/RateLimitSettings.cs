using Envoy.Extensions.Filters.Http.Ratelimit.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Grpc;
using RateLimitConfig = Envoy.Extensions.Filters.Http.Ratelimit.V3.RateLimit;

namespace Lateen.Proxy.Filters.Http.RateLimit;

/// <summary>Which requests a filter asks about.</summary>
internal enum RequestOrigin
{
    Both,
    Internal,
    External,
}

/// <summary>The service that is asked, and what its answers do. Milliseconds, percent from 0 to 100. Immutable.</summary>
internal sealed record RateLimitSettings
{
    private const long DefaultTimeoutMs = 20;
    private const int ResourceExhausted = 8;

    public required GrpcTarget Target { get; init; }

    public required string Domain { get; init; }

    public uint Stage { get; init; }

    public RequestOrigin Origin { get; init; }

    public long TimeoutMs { get; init; }

    public double DenyOnErrorPercent { get; init; }

    public int? GrpcStatus { get; init; }

    /// <summary>Responses tell the client what is left of its limits.</summary>
    public bool TellsLimits { get; init; }

    public bool TellsRateLimited { get; init; } = true;

    public int Status { get; init; } = 429;

    public int StatusOnError { get; init; } = 500;

    public required HeaderOperations Response { get; init; }

    public double EnabledPercent { get; init; } = 100;

    public double EnforcedPercent { get; init; } = 100;

    /// <summary>What the filter itself says of requests, in place of their routes.</summary>
    public RateLimitPolicy Policy { get; init; } = RateLimitPolicy.None;

    /// <summary>Follows "ratelimit." in the names of the statistics, dot included.</summary>
    public string StatPrefix { get; init; } = "";

    public static RateLimitSettings Compile(RateLimitConfig config, string path)
    {
        if (config.Domain.Length == 0) throw new ConfigRefusedException(path + ".domain", "is empty");
        if (config.Stage > 10) throw new ConfigRefusedException(path + ".stage", "is more than 10");
        if (config.RateLimitService is null) throw new ConfigRefusedException(path + ".rate_limit_service", "is missing");
        var status = (int)(config.RateLimitedStatus?.Code ?? 0);
        return new RateLimitSettings
        {
            Target = GrpcTarget.Compile(config.RateLimitService.GrpcService, path + ".rate_limit_service.grpc_service"),
            Domain = config.Domain,
            Stage = config.Stage,
            Origin = config.RequestType switch
            {
                "" or "both" => RequestOrigin.Both,
                "internal" => RequestOrigin.Internal,
                "external" => RequestOrigin.External,
                _ => throw new ConfigRefusedException(path + ".request_type", $"'{config.RequestType}' is none of internal, external and both"),
            },
            TimeoutMs = Durations.Ms(config.Timeout) ?? DefaultTimeoutMs,
            DenyOnErrorPercent = !config.FailureModeDeny ? 0 : config.FailureModeDenyPercent?.DefaultValue is { } deny ? Percent.Of(deny) : 100,
            GrpcStatus = config.RateLimitedAsResourceExhausted ? ResourceExhausted : null,
            TellsLimits = config.EnableXRatelimitHeaders == RateLimitConfig.Types.XRateLimitHeadersRFCVersion.DraftVersion03,
            TellsRateLimited = !config.DisableXEnvoyRatelimitedHeader,
            Status = status < 400 ? 429 : status,
            StatusOnError = config.StatusOnError is { } onError ? (int)onError.Code : 500,
            Response = HeaderOperations.Compile(config.ResponseHeadersToAdd, [], path + ".response_headers_to_add"),
            EnabledPercent = config.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 100,
            EnforcedPercent = config.FilterEnforced?.DefaultValue is { } enforced ? Percent.Of(enforced) : 100,
            Policy = RateLimitPolicy.Compile(config.RateLimits, path + ".rate_limits"),
            StatPrefix = config.StatPrefix.Length > 0 ? config.StatPrefix + "." : "",
        };
    }
}

/// <summary>What a route says to the filter. Immutable.</summary>
/// <param name="HostLimits">How the virtual host's limits count.</param>
/// <param name="Policy">Limits in place of the route's and the host's.</param>
/// <param name="Domain">Another domain; empty for the filter's.</param>
internal sealed record RateLimitRoute(RateLimitPerRoute.Types.VhRateLimitsOptions HostLimits, RateLimitPolicy Policy, string Domain)
{
    public static RateLimitRoute Compile(RateLimitPerRoute config, string path)
    {
        if (config.OverrideOption != RateLimitPerRoute.Types.OverrideOptions.Default) throw new ConfigRefusedException(path + ".override_option", "is not supported");
        return new RateLimitRoute(config.VhRateLimits, RateLimitPolicy.Compile(config.RateLimits, path + ".rate_limits"), config.Domain);
    }
}

/// <summary>Statistics of the requests for one cluster. Source: Envoy's "Rate limit", statistics.</summary>
internal sealed class RateLimitStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Ok = 0, Error = 1, OverLimit = 2, FailureModeAllowed = 3;

    private static readonly StatField[] All = [new("ok"), new("error"), new("over_limit"), new("failure_mode_allowed")];

    public static RateLimitStats Create(string prefix, int workers) => new(prefix, workers);
}
