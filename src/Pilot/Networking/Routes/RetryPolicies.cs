using System.Globalization;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Envoy.Extensions.Retry.Priority.PreviousPriorities.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>When a request is tried again (pilot/pkg/networking/core/route/retry/retry.go).</summary>
internal static class RetryPolicies
{
    private const string DefaultConditions = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
    private const string DefaultInboundConditions = "reset-before-request";
    private const string StatusCodes = "retriable-status-codes";

    /// <summary>
    /// The policy of an outbound route: the rule's, else the mesh's, else two more tries on another host for what was never
    /// processed. Null disables retries. With consistent hashing the host stays the same.
    /// </summary>
    public static RetryPolicy? Outbound(HTTPRetry? settings, bool hashed)
    {
        if (settings is { Attempts: <= 0 }) return null;
        var policy = new RetryPolicy { NumRetries = (uint)(settings?.Attempts ?? 2), RetryOn = DefaultConditions, HostSelectionRetryMaxAttempts = 5 };
        if (settings is { RetryOn.Length: > 0 }) ReadConditions(settings.RetryOn, policy);
        if (settings?.RetryIgnorePreviousHosts ?? !hashed) policy.RetryHostPredicate.Add(AnotherHost());
        if (settings == null) return policy;
        policy.PerTryTimeout = settings.PerTryTimeout;
        if (settings.RetryRemoteLocalities == true) policy.RetryPriority = OtherPriorities();
        if (settings.Backoff != null) policy.RetryBackOff = new() { BaseInterval = settings.Backoff };
        return policy;
    }

    /// <summary>
    /// The policy of the way into the application: what never reached it may be sent again.
    /// </summary>
    public static RetryPolicy Inbound() => new() { NumRetries = 2, RetryOn = DefaultInboundConditions };

    /// <summary>Numbers among the conditions are status codes.</summary>
    private static void ReadConditions(string conditions, RetryPolicy policy)
    {
        List<string> names = [];
        foreach (var part in conditions.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && code is >= 100 and < 600) policy.RetriableStatusCodes.Add(code);
            else names.Add(part);
        if (policy.RetriableStatusCodes.Count > 0 && !names.Contains(StatusCodes)) names.Add(StatusCodes);
        policy.RetryOn = string.Join(",", names);
    }

    private static RetryPolicy.Types.RetryHostPredicate AnotherHost() =>
        new() { Name = "envoy.retry_host_predicates.previous_hosts", TypedConfig = Any.Pack(new PreviousHostsPredicate()) };

    private static RetryPolicy.Types.RetryPriority OtherPriorities() =>
        new() { Name = "envoy.retry_priorities.previous_priorities", TypedConfig = Any.Pack(new PreviousPrioritiesConfig { UpdateFrequency = 2 }) };
}
