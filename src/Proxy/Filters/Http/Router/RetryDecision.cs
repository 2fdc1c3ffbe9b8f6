using System.Globalization;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>Whether an attempt's outcome is one that the policy retries. Source: Envoy's "x-envoy-retry-on".</summary>
internal static class RetryDecision
{
    public static bool IsRetriable(RetryPolicy policy, EndReason outcome, HttpExchange exchange, UpstreamStream? connection) => outcome switch
    {
        EndReason.None => IsRetriable(policy, exchange.Response),
        EndReason.ConnectFailure or EndReason.ConnectTimeout => Has(policy, RetryOn.ConnectFailure | RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        // An idle connection that the upstream was just closing: nothing of the request was served.
        EndReason.UpstreamReset when connection is { WasReused: true, ResponseBegun: false } && exchange.Downstream.IsRequestDone
            && Has(policy, RetryOn.ConnectFailure) && IsIdempotent(exchange.Request) => true,
        EndReason.UpstreamRefusedStream => Has(policy, RetryOn.RefusedStream | RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        EndReason.UpstreamReset or EndReason.UpstreamRemoteReset or EndReason.UpstreamProtocolError => Has(policy, RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        EndReason.PerTryTimeout => Has(policy, RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        EndReason.UpstreamOverflow => false,
        _ => false,
    };

    private static bool IsRetriable(RetryPolicy policy, HeaderMap response)
    {
        if (!int.TryParse(response[KnownHeader.Status], NumberStyles.None, CultureInfo.InvariantCulture, out var status)) return false;
        if (status >= 500 && Has(policy, RetryOn.Status5xx) || status is >= 502 and <= 504 && Has(policy, RetryOn.GatewayError)) return true;
        if (status == 409 && Has(policy, RetryOn.Retriable4xx)) return true;
        if (Has(policy, RetryOn.RetriableStatusCodes) && policy.StatusCodes.Contains(status)) return true;
        if (Has(policy, RetryOn.RateLimited) && response.Has(KnownHeader.EnvoyRateLimited)) return true;
        if (Has(policy, RetryOn.RetriableHeaders) && HasRetriable(policy.RetriableHeaders, response)) return true;
        // A gRPC status in the head means that there are trailers only: no message has been passed on.
        return response.TryGet(KnownHeader.GrpcStatus, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var grpc) && Has(policy, grpc switch
        {
            1 => RetryOn.GrpcCancelled,
            4 => RetryOn.GrpcDeadlineExceeded,
            8 => RetryOn.GrpcResourceExhausted,
            13 => RetryOn.GrpcInternal,
            14 => RetryOn.GrpcUnavailable,
            _ => RetryOn.None,
        });
    }

    // A loop: what a lambda captures is allocated for every response, retried or not.
    private static bool HasRetriable(HeaderMatch[] matches, HeaderMap response)
    {
        foreach (var match in matches)
            if (match.IsMatch(response))
                return true;
        return false;
    }

    private static bool Has(RetryPolicy policy, RetryOn condition) => (policy.On & condition) != 0;

    private static bool IsIdempotent(HeaderMap request)
    {
        var method = request[KnownHeader.Method];
        return method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8) || method.SequenceEqual("OPTIONS"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("DELETE"u8);
    }
}
