using System.Text;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Retry.Host.OmitCanaryHosts.V3;
using Envoy.Extensions.Retry.Host.OmitHostMetadata.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Envoy.Extensions.Retry.Priority.PreviousPriorities.V3;
using Lateen.Api;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using RetryPolicy = Lateen.Proxy.Http.Routing.RetryPolicy;

namespace Lateen.Proxy.Compile;

/// <summary>RetryPolicy and HedgePolicy → policy. Pure; what is not supported is refused with its path.</summary>
internal static class RetryCompiler
{
    public static RetryPolicy Compile(Envoy.Config.Route.V3.RetryPolicy policy, string path)
    {
        if (policy.RetryOptionsPredicates.Count > 0) throw new ConfigRefusedException(path + ".retry_options_predicates", "are not supported");
        var least = Durations.Ms(policy.RetryBackOff?.BaseInterval) ?? 25;
        if (policy.RetryBackOff is not null && least < 1) throw new ConfigRefusedException(path + ".retry_back_off.base_interval", "must be at least 1 ms");
        var most = Durations.Ms(policy.RetryBackOff?.MaxInterval) ?? least * 10;
        if (most < least) throw new ConfigRefusedException(path + ".retry_back_off.max_interval", "is less than base_interval");
        return new RetryPolicy
        {
            On = RetryConditions.Parse(policy.RetryOn),
            Retries = (int)Math.Min(policy.NumRetries ?? 1, int.MaxValue),
            PerTryTimeoutMs = Durations.Ms(policy.PerTryTimeout) ?? 0,
            PerTryIdleTimeoutMs = Durations.Ms(policy.PerTryIdleTimeout) ?? 0,
            StatusCodes = policy.RetriableStatusCodes.Select(code => (int)code).ToHashSet(),
            RetriableHeaders = [.. policy.RetriableHeaders.Select((header, i) => new HeaderMatch(header, $"{path}.retriable_headers[{i}]"))],
            RetriableRequestHeaders = [.. policy.RetriableRequestHeaders.Select((header, i) => new HeaderMatch(header, $"{path}.retriable_request_headers[{i}]"))],
            AvoidPreviousHosts = policy.RetryHostPredicate.Any(IsPreviousHosts),
            Avoid = Avoidance(policy, path),
            HostSelectionAttempts = (int)Math.Clamp(policy.HostSelectionRetryMaxAttempts == 0 ? 1 : policy.HostSelectionRetryMaxAttempts, 1, 1000),
            PriorityUpdateFrequency = Priorities(policy.RetryPriority, path + ".retry_priority"),
            BackOffBaseMs = least,
            BackOffMaxMs = most,
            RateLimitHeaders = [.. policy.RateLimitedRetryBackOff?.ResetHeaders.Select(header => (Encoding.ASCII.GetBytes(header.Name.ToLowerInvariant()), header.Format == Envoy.Config.Route.V3.RetryPolicy.Types.ResetHeaderFormat.UnixTimestamp)) ?? []],
            RateLimitMaxMs = Durations.Ms(policy.RateLimitedRetryBackOff?.MaxInterval) ?? 300_000,
        };
    }

    /// <summary>Hedging needs several requests at once for one, which is not there: any use of it is refused.</summary>
    public static void Refuse(HedgePolicy? hedge, string path)
    {
        if (hedge is null) return;
        if (hedge.InitialRequests is > 1) throw new ConfigRefusedException(path + ".initial_requests", "is not supported");
        if (hedge.AdditionalRequestChance is { Numerator: > 0 }) throw new ConfigRefusedException(path + ".additional_request_chance", "is not supported");
        if (hedge.HedgeOnPerTryTimeout) throw new ConfigRefusedException(path + ".hedge_on_per_try_timeout", "is not supported");
    }

    private static bool IsPreviousHosts(Envoy.Config.Route.V3.RetryPolicy.Types.RetryHostPredicate predicate) =>
        predicate.TypedConfig?.Is(PreviousHostsPredicate.Descriptor) == true || predicate.TypedConfig is null && predicate.Name == "envoy.retry_host_predicates.previous_hosts";

    private static HostAvoidance? Avoidance(Envoy.Config.Route.V3.RetryPolicy policy, string path)
    {
        var (canaries, labels) = (false, HostState.NoLabels);
        for (var i = 0; i < policy.RetryHostPredicate.Count; i++)
        {
            var predicate = policy.RetryHostPredicate[i];
            if (IsPreviousHosts(predicate)) continue;
            if (predicate.TypedConfig?.Is(OmitCanaryHostsPredicate.Descriptor) == true || predicate.Name == "envoy.retry_host_predicates.omit_canary_hosts") canaries = true;
            else if (predicate.TypedConfig?.TryRead<OmitHostMetadataConfig>(out var omit) == true) labels = SubsetCompiler.Labels(omit.MetadataMatch);
            else throw new ConfigRefusedException($"{path}.retry_host_predicate[{i}]", $"{predicate.Name} is not supported");
        }
        return canaries || labels.Count > 0 ? new HostAvoidance(canaries, labels) : null;
    }

    private static int Priorities(Envoy.Config.Route.V3.RetryPolicy.Types.RetryPriority? priority, string path)
    {
        if (priority is null) return 0;
        if (priority.TypedConfig?.TryRead<PreviousPrioritiesConfig>(out var previous) != true) throw new ConfigRefusedException(path, $"{priority.Name} is not supported");
        return previous!.UpdateFrequency > 0 ? previous.UpdateFrequency : throw new ConfigRefusedException(path + ".typed_config.update_frequency", "must be above 0");
    }
}
