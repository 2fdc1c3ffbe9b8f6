using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using Percent = Lateen.Proxy.Compile.Percent;
using Policy = Envoy.Extensions.Filters.Http.Csrf.V3.CsrfPolicy;

namespace Lateen.Proxy.Filters.Http.Csrf;

/// <summary>
/// Refuses requests that change something and come from a page of another origin. Source: Envoy's CSRF filter; OWASP's "verifying origin with
/// standard headers".
/// </summary>
internal sealed class CsrfFilter(string name, CsrfRules own, CsrfStats stats) : IHttpFilter
{
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var rules = exchange.RouteConfig<CsrfRules>(name) ?? own;
        var request = exchange.Request;
        if (!Changes(request[KnownHeader.Method])) return FilterResult.Continue;
        var (enforced, shadow) = (Hits(rules.EnabledPercent, exchange.Worker.Random), Hits(rules.ShadowPercent, exchange.Worker.Random));
        if (!enforced && !shadow) return FilterResult.Continue;
        var verdict = Judge(rules, request);
        stats.Add(exchange.Worker, verdict);
        if (verdict == CsrfStats.Valid || !enforced) return FilterResult.Continue;
        await exchange.ReplyAsync(EndReason.FilterReply, 403, "Invalid origin"u8.ToArray(), codeDetails: "csrf_origin_mismatch");
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    private static bool Changes(ReadOnlySpan<byte> method) => method.SequenceEqual("POST"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("DELETE"u8) || method.SequenceEqual("PATCH"u8);

    private static int Judge(CsrfRules rules, HeaderMap request)
    {
        var source = HostOf(request[KnownHeader.Origin]);
        if (source.IsEmpty) source = HostOf(request[KnownHeader.Referer]);
        if (source.IsEmpty) return CsrfStats.MissingSource;
        if (source.SequenceEqual(request[KnownHeader.Authority])) return CsrfStats.Valid;
        foreach (var origin in rules.Additional)
            if (origin.IsMatch(source))
                return CsrfStats.Valid;
        return CsrfStats.Invalid;
    }

    /// <summary>Host and port of a URL; empty for "null" and everything else that is none.</summary>
    private static ReadOnlySpan<byte> HostOf(ReadOnlySpan<byte> url)
    {
        var scheme = url.IndexOf("://"u8);
        if (scheme < 0) return default;
        var host = url[(scheme + 3)..];
        var end = host.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
        return end < 0 ? host : host[..end];
    }

    private static bool Hits(double percent, Random random) => percent >= 100 || percent > 0 && random.NextDouble() * 100 < percent;
}

/// <summary>Which origins may, and how often it is looked at. Percent from 0 to 100. Immutable.</summary>
internal sealed record CsrfRules(double EnabledPercent, double ShadowPercent, StringMatch[] Additional)
{
    public static CsrfRules Compile(Policy policy, string path) => new(
        policy.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 0,
        policy.ShadowEnabled?.DefaultValue is { } shadow ? Percent.Of(shadow) : 0,
        [.. policy.AdditionalOrigins.Select((origin, i) => StringMatch.From(origin, $"{path}.additional_origins[{i}]"))]);
}

/// <summary>Statistics of the filter.</summary>
internal sealed class CsrfStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int MissingSource = 0, Invalid = 1, Valid = 2;

    private static readonly StatField[] All = [new("missing_source_origin"), new("request_invalid"), new("request_valid")];

    public static CsrfStats Create(string prefix, int workers) => new(prefix, workers);
}
