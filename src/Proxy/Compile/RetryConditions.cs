using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Compile;

/// <summary>Reads retry_on; words that are not known are left out, as Envoy does.</summary>
internal static class RetryConditions
{
    public static RetryOn Parse(string text)
    {
        var on = RetryOn.None;
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            on |= word switch
            {
                "5xx" => RetryOn.Status5xx,
                "gateway-error" => RetryOn.GatewayError,
                "reset" => RetryOn.Reset,
                "reset-before-request" => RetryOn.ResetBeforeRequest,
                "connect-failure" => RetryOn.ConnectFailure,
                "refused-stream" => RetryOn.RefusedStream,
                "retriable-4xx" => RetryOn.Retriable4xx,
                "retriable-status-codes" => RetryOn.RetriableStatusCodes,
                "retriable-headers" => RetryOn.RetriableHeaders,
                "envoy-ratelimited" => RetryOn.RateLimited,
                "cancelled" => RetryOn.GrpcCancelled,
                "deadline-exceeded" => RetryOn.GrpcDeadlineExceeded,
                "internal" => RetryOn.GrpcInternal,
                "resource-exhausted" => RetryOn.GrpcResourceExhausted,
                "unavailable" => RetryOn.GrpcUnavailable,
                _ => RetryOn.None,
            };
        return on;
    }
}
