using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Filters.Http.Cors;

/// <summary>Answers preflights and marks responses for origins that the route's policy names. Source: Envoy's CORS filter; W3C Cross-Origin Resource Sharing.</summary>
internal sealed class CorsFilter(string name) : IHttpFilter
{
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (exchange.RouteConfig<CorsPolicy>(name) is not { } policy || !exchange.Request.TryGet(KnownHeader.Origin, out var origin) || origin.IsEmpty) return FilterResult.Continue;
        if (policy.EnabledPercent < 100 && exchange.Worker.Random.NextDouble() * 100 >= policy.EnabledPercent) return FilterResult.Continue;
        var allowed = IsAllowed(policy, origin);
        var isPreflight = exchange.Request[KnownHeader.Method].SequenceEqual("OPTIONS"u8) && !exchange.Request[KnownHeader.RequestMethod].IsEmpty;
        if (!isPreflight)
        {
            exchange.CorsOriginAllowed = allowed;
            return FilterResult.Continue;
        }
        if (!allowed && policy.ForwardUnmatchedPreflights) return FilterResult.Continue;
        var response = exchange.Response;
        response.Clear();
        if (allowed) Mark(response, policy, origin);
        if (policy.AllowMethods.Length > 0) response.Set(KnownHeader.AllowMethods, Encoding.ASCII.GetBytes(policy.AllowMethods));
        if (policy.AllowHeaders.Length > 0) response.Set(KnownHeader.AllowHeaders, Encoding.ASCII.GetBytes(policy.AllowHeaders));
        if (policy.ExposeHeaders.Length > 0) response.Set(KnownHeader.ExposeHeaders, Encoding.ASCII.GetBytes(policy.ExposeHeaders));
        if (policy.MaxAge.Length > 0) response.Set(KnownHeader.MaxAge, Encoding.ASCII.GetBytes(policy.MaxAge));
        await exchange.ReplyAsync(EndReason.CorsPreflight, 200, keepHeaders: true);
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange)
    {
        if (!exchange.CorsOriginAllowed || exchange.RouteConfig<CorsPolicy>(name) is not { } policy) return;
        Mark(exchange.Response, policy, exchange.Request[KnownHeader.Origin]);
        if (policy.ExposeHeaders.Length > 0) exchange.Response.Set(KnownHeader.ExposeHeaders, Encoding.ASCII.GetBytes(policy.ExposeHeaders));
    }

    private static void Mark(HeaderMap response, CorsPolicy policy, ReadOnlySpan<byte> origin)
    {
        response.Set(KnownHeader.AllowOrigin, origin);
        if (policy.AllowCredentials) response.Set(KnownHeader.AllowCredentials, "true"u8);
    }

    private static bool IsAllowed(CorsPolicy policy, ReadOnlySpan<byte> origin)
    {
        foreach (var match in policy.Origins)
            if (match.IsMatch(origin))
                return true;
        return false;
    }
}
