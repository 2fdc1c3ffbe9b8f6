using System.Collections.Frozen;
using System.Globalization;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>How often and on what a request is tried again.</summary>
internal static class HttpRetries
{
    // Envoy's router filter: x-envoy-retry-on and x-envoy-retry-grpc-on; the second set is newer than Istio 1.1.
    private static readonly FrozenSet<string> Policies = FrozenSet.Create(
        "5xx", "gateway-error", "connect-failure", "retriable-4xx", "refused-stream", "retriable-status-codes",
        "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable");

    private static readonly FrozenSet<string> NewerPolicies = FrozenSet.Create(
        "reset", "reset-before-request", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure");

    public static void Validate(Check check, FieldPath at, HTTPRetry? retries)
    {
        if (retries is null) return;
        if (check.Original)
        {
            if (retries.Attempts <= 0) check.Error(at["attempts"], "attempts must be positive");
        }
        else
        {
            if (retries.Attempts < 0) check.Error(at["attempts"], "attempts cannot be negative");
            if (retries.Attempts == 0 && (retries.PerTryTimeout is not null || retries.RetryOn.Length > 0 || retries.RetryRemoteLocalities is not null))
                check.Error(at["attempts"], "http retry policy configured when attempts are set to 0 (disabled)");
        }
        check.Error(at["perTryTimeout"], Values.CheckDuration(retries.PerTryTimeout));
        check.Error(at["backoff"], Values.CheckDuration(retries.Backoff));
        if (retries.RetryOn.Length == 0) return;
        foreach (var policy in retries.RetryOn.Split(','))
            if (!Policies.Contains(policy) && !(NewerPolicies.Contains(policy) && !check.Original) && !IsStatus(policy))
                check.Error(at["retryOn"], $"{GoText.Quote(policy)} is not a valid retryOn policy");
    }

    /// <summary>A status code that has a name (IANA's registry, as Go's net/http knows it).</summary>
    private static bool IsStatus(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code) && code is
            (>= 100 and <= 103) or (>= 200 and <= 208) or 226 or (>= 300 and <= 305) or 307 or 308
            or (>= 400 and <= 418) or (>= 421 and <= 426) or 428 or 429 or 431 or 451 or (>= 500 and <= 508) or 510 or 511;
}
