using System.Globalization;
using System.Text;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;
using static Istio.Networking.V1Alpha3.HTTPFaultInjection.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>What an HTTP route does besides routing: CORS, faults, mirrors, redirects, rewrites and direct responses.</summary>
internal static class HttpActions
{
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];

    private static readonly string[] GrpcStatuses =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    ];

    public static void Cors(Check check, FieldPath at, CorsPolicy? policy)
    {
        if (policy is null) return;
        for (var i = 0; i < policy.AllowOrigins.Count; i++)
        {
            var origin = policy.AllowOrigins[i];
            if (origin.Exact.Length + origin.Prefix.Length + origin.Regex.Length == 0) check.Error(at["allowOrigins"][i], "'' is not a valid match type for CORS allow origins");
            else check.Error(at["allowOrigins"][i], HttpRouteRules.CheckRegex(check, origin, "corsPolicy.allowOrigins"));
        }
        for (var i = 0; i < policy.AllowMethods.Count; i++)
            if (!Methods.Contains(policy.AllowMethods[i]) && (check.Original || policy.AllowMethods[i] != "*"))
                check.Error(at["allowMethods"][i], $"{GoText.Quote(policy.AllowMethods[i])} is not a supported HTTP method");
        Names(at["allowHeaders"], policy.AllowHeaders);
        Names(at["exposeHeaders"], policy.ExposeHeaders);
        check.Error(at["maxAge"], Values.CheckDuration(policy.MaxAge));
        if (policy.MaxAge?.Nanos > 0) check.Error(at["maxAge"], "max_age duration is accurate only to seconds precision");

        void Names(FieldPath path, IList<string> names)
        {
            for (var i = 0; i < names.Count; i++)
                check.Error(path[i], check.Original && names[i].Length > 0 ? null : HeaderSyntax.CheckCorsName(names[i]));
        }
    }

    public static void Fault(Check check, FieldPath at, HTTPFaultInjection? fault)
    {
        if (fault is null) return;
        if (fault.Abort is null && fault.Delay is null) check.Error(at, "HTTP fault injection must have an abort and/or a delay");
        if (fault.Abort is { } abort) CheckAbort(check, at["abort"], abort);
        if (fault.Delay is { } delay) CheckDelay(check, at["delay"], delay);
    }

    public static void Mirroring(Check check, FieldPath at, HTTPRoute route)
    {
#pragma warning disable CS0612 // Deprecated, but served.
        if (route.MirrorPercent is { } percent)
        {
            if (percent > 100) check.Error(at["mirrorPercent"], $"mirror_percent must have a max value of 100 (it has {percent})");
            check.Warn(at["mirrorPercent"], "using deprecated setting \"mirrorPercent\", use \"mirrorPercentage\" instead");
        }
#pragma warning restore CS0612
        Percentage(at["mirrorPercentage"], "mirror_percentage", route.MirrorPercentage);
        Destinations.Validate(check, at["mirror"], route.Mirror);
        for (var i = 0; i < route.Mirrors.Count; i++)
        {
            var (mirror, path) = (route.Mirrors[i], at["mirrors"][i]);
            if (mirror.Destination is null)
            {
                check.Error(path["destination"], "destination is required for mirrors");
                continue;
            }
            Destinations.Validate(check, path["destination"], mirror.Destination);
            Percentage(path["percentage"], "mirror percentage", mirror.Percentage);
        }

        void Percentage(FieldPath path, string what, Percent? value)
        {
            var number = value?.Value ?? 0;
            if (number > 100) check.Error(path, string.Create(CultureInfo.InvariantCulture, $"{what} must have a max value of 100 (it has {number:F6})"));
            if (number < 0) check.Error(path, string.Create(CultureInfo.InvariantCulture, $"{what} must have a min value of 0 (it has {number:F6})"));
        }
    }

    public static void Redirect(Check check, FieldPath at, HTTPRoute route)
    {
        if (route.Redirect is not { } redirect) return;
        if (check.Original)
        {
            if (redirect.Uri.Length + redirect.Authority.Length == 0) check.Error(at, "redirect must specify URI, authority, or both");
            return;
        }
        var hasPrefix = redirect.PrefixRewrite.Length > 0;
        if (redirect.Uri.Length > 0 && hasPrefix) check.Error(at["prefixRewrite"], "redirect may only specify one of uri or prefix_rewrite");
        else if (hasPrefix && route.Match.Any(match => match.Uri is { } uri && uri.MatchTypeCase != StringMatch.MatchTypeOneofCase.Prefix))
            check.Error(at["prefixRewrite"], "redirect prefix_rewrite requires all URI matches to use prefix match type");
        else if (redirect.Uri.Length + redirect.PrefixRewrite.Length + redirect.Authority.Length + redirect.Scheme.Length == 0
            && redirect.RedirectPortCase == HTTPRedirect.RedirectPortOneofCase.None)
            check.Error(at, "redirect must specify URI, authority, scheme, or port");
        if (redirect.RedirectCode is not 0 and (< 300 or > 399)) check.Error(at["redirectCode"], $"{redirect.RedirectCode} is not a valid redirect code, must be 3xx");
        if (redirect.Scheme is not ("" or "http" or "https")) check.Error(at["scheme"], "invalid redirect scheme, must be \"http\" or \"https\"");
        if (redirect.Port > 0) check.Error(at["port"], Addresses.CheckPort(redirect.Port));
    }

    public static void DirectResponse(Check check, FieldPath at, HTTPDirectResponse? response)
    {
        if (response is null) return;
        const int Kilobyte = 1024;
        var size = response.Body?.SpecifierCase == HTTPBody.SpecifierOneofCase.Bytes ? response.Body.Bytes.Length : Encoding.UTF8.GetByteCount(response.Body?.String ?? "");
        if (size > 1024 * Kilobyte) check.Error(at["body"], "large direct_responses may impact control plane performance, must be less than 1MB");
        else if (size > 100 * Kilobyte) check.Warn(at["body"], "large direct_responses may impact control plane performance");
        CheckStatus(check, at["status"], response.Status);
    }

    public static void Rewrite(Check check, FieldPath at, HTTPRewrite? rewrite)
    {
        if (rewrite is null) return;
        var regex = rewrite.UriRegexRewrite;
        if (rewrite.Uri.Length > 0 && regex is not null) check.Error(at, "rewrite may only contain one of URI or UriRegexRewrite");
        else if (rewrite.Uri.Length + rewrite.Authority.Length == 0 && regex is null)
            check.Error(at, check.Original
                ? "rewrite must specify URI, authority, or both"
                : "rewrite must specify at least one of URI, UriRegexRewrite, or authority. Only one of URI or UriRegexRewrite may be specified");
        if (regex is null) return;
        if (regex.Match.Length == 0 || regex.Rewrite.Length == 0)
            check.Error(at["uriRegexRewrite"], "UriRegexRewrite requires both Rewrite and Match fields to be specified");
        else
            check.Error(at["uriRegexRewrite"]["match"], Values.CheckRegex(regex.Match, "HTTPRewrite.UriRegexRewrite.Match"));
    }

#pragma warning disable CS0612 // The whole percentages are 1.1's.
    private static void CheckAbort(Check check, FieldPath at, Abort abort)
    {
        check.Error(at["percentage"], Values.CheckPercentage(abort.Percentage?.Value));
        if (abort.Percentage is null) check.Error(at["percent"], Values.CheckPercent(abort.Percent));
        switch (abort.ErrorTypeCase)
        {
            case Abort.ErrorTypeOneofCase.GrpcStatus when check.Original:
                check.Error(at["grpcStatus"], "gRPC abort fault injection not supported yet");
                break;
            case Abort.ErrorTypeOneofCase.GrpcStatus when !GrpcStatuses.Contains(abort.GrpcStatus):
                check.Error(at["grpcStatus"], $"gRPC status {GoText.Quote(abort.GrpcStatus)} is not supported. See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for example 'NOT_FOUND'");
                break;
            case Abort.ErrorTypeOneofCase.Http2Error:
                check.Error(at["http2Error"], "HTTP/2 abort fault injection not supported yet");
                break;
            case Abort.ErrorTypeOneofCase.HttpStatus:
                CheckStatus(check, at["httpStatus"], abort.HttpStatus);
                break;
            case Abort.ErrorTypeOneofCase.None when !check.Original:
                check.Warn(at, "abort configured, but error type not set");
                break;
        }
    }

    private static void CheckDelay(Check check, FieldPath at, Delay delay)
    {
        check.Error(at["percentage"], Values.CheckPercentage(delay.Percentage?.Value));
        if (check.Original && delay.Percentage is null) check.Error(at["percent"], Values.CheckPercent(delay.Percent));
        check.Error(at["fixedDelay"], Values.CheckDuration(delay.FixedDelay));
        check.Error(at["exponentialDelay"], Values.CheckDuration(delay.ExponentialDelay));
        if (delay.ExponentialDelay is not null) check.Error(at["exponentialDelay"], "exponentialDelay not supported yet");
    }
#pragma warning restore CS0612

    private static void CheckStatus(Check check, FieldPath at, long status)
    {
        if (check.Original && status is (< 0 or > 600)) check.Error(at, $"HTTP status {status} is not in range 0-600");
        else if (!check.Original && status is (< 200 or > 600)) check.Error(at, $"HTTP status {status} is not in range 200-599");
    }
}
