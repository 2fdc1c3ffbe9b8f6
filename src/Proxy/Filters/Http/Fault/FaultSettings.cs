using Envoy.Extensions.Filters.Http.Fault.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Fault;

/// <summary>What is injected, and how often. Percent from 0 to 100. Immutable. Source: envoy.extensions.filters.http.fault.v3.HTTPFault.</summary>
internal sealed record FaultSettings(
    long DelayMs, double DelayPercent, bool HeaderDelay, int AbortStatus, int? AbortGrpcStatus, double AbortPercent, bool HeaderAbort, HeaderMatch[] Headers, long MaxActive, string UpstreamCluster)
{
    public static FaultSettings Compile(HTTPFault fault, string path)
    {
        if (fault.ResponseRateLimit is not null) throw new ConfigRefusedException(path + ".response_rate_limit", "is not supported");
        return new FaultSettings(
            Durations.Ms(fault.Delay?.FixedDelay) ?? 0,
            fault.Delay?.Percentage is { } delay ? Percent.Of(delay) : 0,
            fault.Delay?.HeaderDelay is not null,
            (int)(fault.Abort?.HttpStatus ?? 0),
            fault.Abort?.ErrorTypeCase == FaultAbort.ErrorTypeOneofCase.GrpcStatus ? (int)fault.Abort.GrpcStatus : null,
            fault.Abort?.Percentage is { } abort ? Percent.Of(abort) : 0,
            fault.Abort?.HeaderAbort is not null,
            [.. fault.Headers.Select((header, i) => new HeaderMatch(header, $"{path}.headers[{i}]"))],
            fault.MaxActiveFaults ?? long.MaxValue,
            fault.UpstreamCluster);
    }
}
