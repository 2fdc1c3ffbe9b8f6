using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lateen.Config.Reading;
using Lateen.Foundation.Text;

namespace Lateen.Config.Validation.Primitives;

/// <summary>Durations, percentages, regular expressions, protocols and exports: checks give null or the message.</summary>
internal static class Values
{
    private const int MaximumRegex = 1024;

    private static readonly string[] Protocols =
        ["tcp", "udp", "grpc", "grpc-web", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis", "mysql"];

    /// <summary>At least a millisecond, in whole milliseconds.</summary>
    public static string? CheckDuration(Duration? duration)
    {
        if (duration is null) return null;
        if (duration.Seconds < 0 || duration.Nanos < 0 || (duration.Seconds == 0 && duration.Nanos < 1_000_000)) return "duration must be greater than 1ms";
        return duration.Nanos % 1_000_000 != 0 ? "only durations to ms precision are supported" : null;
    }

    /// <summary>Shorter than a millisecond either way: "disabled" for the timeouts that can be.</summary>
    public static bool IsZero(Duration duration) => duration.Seconds == 0 && Math.Abs(duration.Nanos) < 1_000_000;

    public static string? CheckPercent(int value) => value is < 0 or > 100 ? $"percentage {value} is not in range 0..100" : null;

    /// <summary>A percentage with fractions: 0, or at least a millionth.</summary>
    public static string? CheckPercentage(double? value) =>
        value is { } v && (v < 0 || v > 100 || (v > 0 && v < 0.0001))
            ? string.Create(CultureInfo.InvariantCulture, $"percentage {v} is neither 0.0, nor in range [0.0001, 100.0]")
            : null;

    /// <summary>An RE2 expression of at most 1024 bytes.</summary>
    public static string? CheckRegex(string regex, string where)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(regex) > MaximumRegex) return $"{GoText.Quote(where)}: regex is too large, max length allowed is 1024";
        return Re2Syntax.Check(regex) is { } error
            ? $"{GoText.Quote(where)}: {error}; Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)"
            : null;
    }

    public static bool IsKnownProtocol(string protocol) => Protocols.Contains(protocol.ToLowerInvariant());

    /// <summary>Empty is known: the proxy finds out.</summary>
    public static string? CheckProtocol(string protocol, bool original) =>
        (protocol.Length == 0 && !original) || IsKnownProtocol(protocol) ? null : $"unsupported protocol: {protocol}";

    public static bool IsHttp(string protocol) => protocol.ToLowerInvariant() is "http" or "http2" or "http_proxy" or "grpc" or "grpc-web";

    public static bool IsTls(string protocol) => protocol.ToLowerInvariant() is "https" or "tls";

    /// <summary>Protocols that are carried as bytes.</summary>
    public static bool IsTcp(string protocol) => protocol.ToLowerInvariant() is "tcp" or "https" or "tls" or "mongo" or "redis" or "mysql";
}
