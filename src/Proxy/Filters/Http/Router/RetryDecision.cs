using System.Globalization;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>Whether an attempt's outcome is one that the policy retries. Source: Envoy's "x-envoy-retry-on", RetryStateImpl.</summary>
internal static class RetryDecision
{
    public static bool IsRetriable(RetryPlan plan, EndReason outcome, HttpExchange exchange, UpstreamStream? connection) => outcome switch
    {
        EndReason.None => IsRetriable(plan, exchange.Response),
        EndReason.ConnectFailure or EndReason.ConnectTimeout =>
            plan.Has(RetryOn.ConnectFailure | RetryOn.ResetBeforeRequest | RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        // An idle connection that the upstream was just closing: nothing of the request was served.
        EndReason.UpstreamReset when connection is { WasReused: true, ResponseBegun: false } && exchange.Downstream.IsRequestDone
            && plan.Has(RetryOn.ConnectFailure) && IsIdempotent(exchange.Request) => true,
        EndReason.UpstreamRefusedStream => plan.Has(RetryOn.RefusedStream | RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        EndReason.UpstreamReset or EndReason.UpstreamRemoteReset or EndReason.UpstreamProtocolError or EndReason.PerTryTimeout =>
            plan.Has(RetryOn.Reset | RetryOn.Status5xx | RetryOn.GatewayError),
        _ => false,
    };

    private static bool IsRetriable(RetryPlan plan, HeaderMap response)
    {
        if (!int.TryParse(response[KnownHeader.Status], NumberStyles.None, CultureInfo.InvariantCulture, out var status)) return false;
        // parity: an overloaded upstream is never asked again, one that limits the rate only when the policy says so.
        if (response.Has(KnownHeader.EnvoyOverloaded)) return false;
        if (response.Has(KnownHeader.EnvoyRateLimited)) return plan.Has(RetryOn.RateLimited);
        if (status >= 500 && plan.Has(RetryOn.Status5xx) || status is >= 502 and <= 504 && plan.Has(RetryOn.GatewayError)) return true;
        if (status == 409 && plan.Has(RetryOn.Retriable4xx)) return true;
        if (plan.Has(RetryOn.RetriableStatusCodes) && plan.HasStatus(status)) return true;
        if (plan.Has(RetryOn.RetriableHeaders) && plan.HasHeader(response)) return true;
        // A gRPC status in the head means that there are trailers only: no message has been passed on.
        return response.TryGet(KnownHeader.GrpcStatus, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var grpc) && plan.Has(grpc switch
        {
            1 => RetryOn.GrpcCancelled,
            4 => RetryOn.GrpcDeadlineExceeded,
            8 => RetryOn.GrpcResourceExhausted,
            13 => RetryOn.GrpcInternal,
            14 => RetryOn.GrpcUnavailable,
            _ => RetryOn.None,
        });
    }

    private static bool IsIdempotent(HeaderMap request)
    {
        var method = request[KnownHeader.Method];
        return method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8) || method.SequenceEqual("OPTIONS"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("DELETE"u8);
    }
}
