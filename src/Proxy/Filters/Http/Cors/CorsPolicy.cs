using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Cors;

/// <summary>Which origins may do what. Immutable. Source: envoy.extensions.filters.http.cors.v3.CorsPolicy.</summary>
internal sealed record CorsPolicy(
    StringMatch[] Origins, string AllowMethods, string AllowHeaders, string ExposeHeaders, string MaxAge, bool AllowCredentials, double EnabledPercent, bool ForwardUnmatchedPreflights)
{
    public static CorsPolicy Compile(Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy policy, string path) => new(
        [.. policy.AllowOriginStringMatch.Select((origin, i) => StringMatch.From(origin, $"{path}.allow_origin_string_match[{i}]"))],
        policy.AllowMethods, policy.AllowHeaders, policy.ExposeHeaders, policy.MaxAge, policy.AllowCredentials ?? false,
        policy.FilterEnabled?.DefaultValue is { } enabled ? Percent.Of(enabled) : 100,
        policy.ForwardNotMatchingPreflights ?? true);
}
