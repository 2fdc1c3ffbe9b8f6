using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Common.Fault.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Istio.Networking.V1Alpha3;
using CorsPolicy = Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy;
using IstioCors = Istio.Networking.V1Alpha3.CorsPolicy;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>What a route tells the filters fault and cors (pilot/pkg/networking/core/route/route.go).</summary>
internal static class RouteFilters
{
    public const string Fault = "envoy.filters.http.fault";
    public const string Cors = "envoy.filters.http.cors";

    /// <summary>Null when the fault says nothing that the filter can do.</summary>
    public static HTTPFault? Convert(HTTPFaultInjection fault)
    {
        var result = new HTTPFault();
        if (fault.Delay is { HttpDelayTypeCase: HTTPFaultInjection.Types.Delay.HttpDelayTypeOneofCase.FixedDelay } delay)
            result.Delay = new FaultDelay { FixedDelay = delay.FixedDelay, Percentage = Share(delay.Percentage) ?? Hundredths(delay.Percent) };
        if (fault.Abort is { } abort) result.Abort = Convert(abort);
        return result.Delay == null && result.Abort == null ? null : result;
    }

    public static CorsPolicy Convert(IstioCors cors)
    {
        var result = new CorsPolicy
        {
            AllowCredentials = cors.AllowCredentials,
            AllowHeaders = string.Join(",", cors.AllowHeaders),
            AllowMethods = string.Join(",", cors.AllowMethods),
            ExposeHeaders = string.Join(",", cors.ExposeHeaders),
            FilterEnabled = new RuntimeFractionalPercent { DefaultValue = Hundredths(100) },
            ForwardNotMatchingPreflights = cors.UnmatchedPreflights != IstioCors.Types.UnmatchedPreflights.Ignore,
        };
        if (cors.MaxAge != null) result.MaxAge = cors.MaxAge.Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var origin in cors.AllowOrigins)
            if (StringMatchers.Convert(origin) is { } matcher) result.AllowOriginStringMatch.Add(matcher);
        if (cors.AllowOrigins.Count == 0)
            // "*" of 1.1's list is the one entry that is no origin.
            foreach (var origin in cors.AllowOrigin)
                result.AllowOriginStringMatch.Add(origin == "*" ? new StringMatcher { SafeRegex = new() { Regex = ".*" } } : new StringMatcher { Exact = origin });
        return result;
    }

    public static FractionalPercent? Share(Istio.Networking.V1Alpha3.Percent? percent) =>
        percent == null ? null : new() { Numerator = (uint)(percent.Value * 10_000), Denominator = FractionalPercent.Types.DenominatorType.Million };

    public static FractionalPercent Hundredths(int percent) => new() { Numerator = (uint)percent, Denominator = FractionalPercent.Types.DenominatorType.Hundred };

    private static FaultAbort? Convert(HTTPFaultInjection.Types.Abort abort)
    {
        // An abort without percentage aborts nothing, in 1.1 and today.
        var share = Share(abort.Percentage) ?? (abort.Percent > 0 ? Hundredths(abort.Percent) : null);
        return abort.ErrorTypeCase switch
        {
            HTTPFaultInjection.Types.Abort.ErrorTypeOneofCase.HttpStatus => new() { HttpStatus = (uint)abort.HttpStatus, Percentage = share },
            HTTPFaultInjection.Types.Abort.ErrorTypeOneofCase.GrpcStatus => new() { GrpcStatus = GrpcStatusNames.Parse(abort.GrpcStatus), Percentage = share },
            _ => null,
        };
    }
}
