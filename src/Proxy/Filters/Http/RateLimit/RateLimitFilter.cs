using System.Globalization;
using System.Text;
using Envoy.Extensions.Common.Ratelimit.V3;
using Envoy.Extensions.Filters.Http.Ratelimit.V3;
using Envoy.Service.Ratelimit.V3;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream.Grpc;
using Lateen.Rpc;
using Limit = Envoy.Service.Ratelimit.V3.RateLimitResponse.Types.RateLimit;

namespace Lateen.Proxy.Filters.Http.RateLimit;

/// <summary>
/// Describes each request to a rate limit service, as its route says, and answers those that are over a limit. Immutable. Source: Envoy's
/// rate limit filter (source/extensions/filters/http/ratelimit/ratelimit.cc).
/// </summary>
internal sealed class RateLimitFilter(string name, RateLimitSettings settings) : IHttpFilter
{
    private const string Namespace = "envoy.filters.http.ratelimit";

    private static readonly RpcMethod<RateLimitRequest, RateLimitResponse> ShouldRateLimit = new(RpcKind.Unary, "envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit");

    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var worker = exchange.Worker;
        if (exchange.Route is null || exchange.ClusterName is null || !IsAskedAbout(exchange) || !Hits(settings.EnabledPercent, worker.Random)) return FilterResult.Continue;
        var route = exchange.RouteConfig<RateLimitRoute>(name);
        var descriptors = Describe(exchange, route);
        if (descriptors.Count == 0) return FilterResult.Continue;
        var question = new RateLimitRequest { Domain = route is { Domain.Length: > 0 } ? route.Domain : settings.Domain, Descriptors = { descriptors } };
        var reply = await GrpcCall.UnaryAsync(exchange.Context, worker, settings.Target, ShouldRateLimit, question, settings.TimeoutMs);
        if (exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }
        var stats = exchange.Context.Stats.Group($"cluster.{exchange.ClusterName}.ratelimit.{settings.StatPrefix}", RateLimitStats.Create);
        if (reply.Answer is not { OverallCode: not RateLimitResponse.Types.Code.Unknown } answer)
        {
            stats.Add(worker, RateLimitStats.Error);
            if (!Hits(settings.DenyOnErrorPercent, worker.Random))
            {
                stats.Add(worker, RateLimitStats.FailureModeAllowed);
                return FilterResult.Continue;
            }
            exchange.Info.Flags |= ResponseFlags.RateLimitServiceError;
            await exchange.ReplyAsync(EndReason.FilterReply, settings.StatusOnError, codeDetails: "rate_limiter_error");
            return FilterResult.Stop;
        }
        if (answer.DynamicMetadata is { } metadata) exchange.Info.Metadata.Merge(Namespace, metadata);
        foreach (var header in answer.ResponseHeadersToAdd) Remember(exchange, HeaderChange.Of(HeaderChangeKind.Add, header));
        if (settings.TellsLimits) TellLimits(exchange, answer);
        if (answer.OverallCode == RateLimitResponse.Types.Code.Ok)
        {
            stats.Add(worker, RateLimitStats.Ok);
            foreach (var header in answer.RequestHeadersToAdd)
                if (HeaderChange.Of(HeaderChangeKind.Add, header) is { IsValid: true } change)
                    change.Apply(exchange.Request);
            return FilterResult.Continue;
        }
        stats.Add(worker, RateLimitStats.OverLimit);
        if (!Hits(settings.EnforcedPercent, worker.Random)) return FilterResult.Continue;
        exchange.Response.Clear();
        if (settings.TellsRateLimited) exchange.Response.Add(KnownHeader.EnvoyRateLimited, "true"u8);
        settings.Response.Apply(exchange.Response, exchange.Format, exchange.Scratch);
        await exchange.ReplyAsync(EndReason.RateLimited, settings.Status, answer.RawBody.Memory, keepHeaders: true, grpcStatus: settings.GrpcStatus, codeDetails: "request_rate_limited");
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange) => exchange.ApplyResponseChanges();

    private bool IsAskedAbout(HttpExchange exchange) =>
        settings.Origin == RequestOrigin.Both || exchange.Request[KnownHeader.EnvoyInternal].SequenceEqual("true"u8) == (settings.Origin == RequestOrigin.Internal);

    private List<RateLimitDescriptor> Describe(HttpExchange exchange, RateLimitRoute? perRoute)
    {
        var (descriptors, route) = (new List<RateLimitDescriptor>(), exchange.Route!);
        var instead = perRoute is { Policy.IsEmpty: false } ? perRoute.Policy : settings.Policy;
        if (!instead.IsEmpty)
        {
            instead.Describe(exchange, settings.Stage, descriptors);
            return descriptors;
        }
        route.RateLimits.Describe(exchange, settings.Stage, descriptors);
        var ofHost = route.IncludesHostRateLimits ? RateLimitPerRoute.Types.VhRateLimitsOptions.Include : perRoute?.HostLimits ?? RateLimitPerRoute.Types.VhRateLimitsOptions.Override;
        if (ofHost == RateLimitPerRoute.Types.VhRateLimitsOptions.Include || ofHost == RateLimitPerRoute.Types.VhRateLimitsOptions.Override && route.RateLimits.IsEmpty)
            route.HostRateLimits.Describe(exchange, settings.Stage, descriptors);
        return descriptors;
    }

    /// <summary>Source: draft-polli-ratelimit-headers-03, as Envoy's ratelimit_headers.cc writes it.</summary>
    private static void TellLimits(HttpExchange exchange, RateLimitResponse answer)
    {
        RateLimitResponse.Types.DescriptorStatus? tightest = null;
        var policy = new StringBuilder();
        foreach (var status in answer.Statuses)
        {
            if (status.CurrentLimit is not { } limit) continue;
            if (tightest is null || status.LimitRemaining < tightest.LimitRemaining) tightest = status;
            if (Seconds(limit.Unit) is not { } window) continue;
            policy.Append(CultureInfo.InvariantCulture, $", {limit.RequestsPerUnit};w={window}");
            if (limit.Name.Length > 0) policy.Append(CultureInfo.InvariantCulture, $";name=\"{limit.Name}\"");
        }
        if (tightest is null) return;
        Remember(exchange, Header("x-ratelimit-limit", string.Create(CultureInfo.InvariantCulture, $"{tightest.CurrentLimit.RequestsPerUnit}{policy}")));
        Remember(exchange, Header("x-ratelimit-remaining", tightest.LimitRemaining.ToString(CultureInfo.InvariantCulture)));
        Remember(exchange, Header("x-ratelimit-reset", (tightest.DurationUntilReset?.Seconds ?? 0).ToString(CultureInfo.InvariantCulture)));
    }

    private static int? Seconds(Limit.Types.Unit unit) => unit switch
    {
        Limit.Types.Unit.Second => 1,
        Limit.Types.Unit.Minute => 60,
        Limit.Types.Unit.Hour => 3600,
        Limit.Types.Unit.Day => 86_400,
        Limit.Types.Unit.Week => 604_800,
        Limit.Types.Unit.Month => 2_592_000,
        Limit.Types.Unit.Year => 31_536_000,
        _ => null,
    };

    private static HeaderChange Header(string name, string value) => new(HeaderChangeKind.Add, Encoding.ASCII.GetBytes(name), Encoding.UTF8.GetBytes(value));

    private static void Remember(HttpExchange exchange, in HeaderChange change)
    {
        if (change.IsValid) exchange.AddResponseChange(change);
    }

    private static bool Hits(double percent, Random random) => percent >= 100 || percent > 0 && random.NextDouble() * 100 < percent;
}
