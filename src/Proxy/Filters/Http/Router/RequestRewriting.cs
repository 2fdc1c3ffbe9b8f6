using System.Globalization;
using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>What a route changes in a request on its way to the upstream. Source: envoy.config.route.v3.RouteAction.</summary>
internal static class RequestRewriting
{
    public static void Apply(RouteEntry route, WeightedCluster? weighted, long timeoutMs, HttpExchange exchange)
    {
        var request = exchange.Request;
        if (timeoutMs > 0 && !exchange.Hcm.SuppressEnvoyHeaders)
        {
            Span<byte> digits = stackalloc byte[20];
            timeoutMs.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
            request.Set(KnownHeader.EnvoyExpectedTimeout, digits[..written]);
        }
        Path(route, exchange);
        Host(route, weighted, request);
        weighted?.Request.Apply(request, exchange.Format, exchange.Scratch);
        foreach (var operations in route.RequestHeaders) operations.Apply(request, exchange.Format, exchange.Scratch);
        if (route.DecoratorOperation is { Length: > 0 } operation && !exchange.Hcm.SuppressEnvoyHeaders) request.Set(KnownHeader.EnvoyDecoratorOperation, Encoding.UTF8.GetBytes(operation));
    }

    private static void Path(RouteEntry route, HttpExchange exchange)
    {
        if (route.PrefixRewrite is null && route.RegexRewrite is null) return;
        var request = exchange.Request;
        var target = request[KnownHeader.Path];
        if (!exchange.Hcm.SuppressEnvoyHeaders) request.Set(KnownHeader.EnvoyOriginalPath, target);
        target = request[KnownHeader.Path];
        var end = target.IndexOf((byte)'?');
        var path = end < 0 ? target : target[..end];
        var query = end < 0 ? default : target[end..];
        var rewritten = exchange.Scratch;
        rewritten.Clear();
        if (route.PrefixRewrite is { } prefix)
        {
            rewritten.Append(prefix);
            // A regular expression covers the whole path.
            rewritten.Append(route.Match.Kind is PathKind.Regex or PathKind.Template ? default : path[Math.Min(path.Length, route.Match.PrefixLength)..]);
        }
        else rewritten.Append(route.RegexRewrite!.Replace(Encoding.UTF8.GetString(path), route.RegexSubstitution));
        rewritten.Append(query);
        request.Set(KnownHeader.Path, rewritten.Span);
    }

    private static void Host(RouteEntry route, WeightedCluster? weighted, HeaderMap request)
    {
        if (route.AppendForwardedHost && (route.HostRewrite ?? weighted?.HostRewrite) is not null) request.Set(KnownHeader.ForwardedHost, request[KnownHeader.Authority]);
        if ((weighted?.HostRewrite ?? route.HostRewrite) is { } host) request.Set(KnownHeader.Authority, Encoding.ASCII.GetBytes(host));
        else if (route.HostRewriteHeader is { } header && request.TryGet(header, out var value) && !value.IsEmpty) request.Set(KnownHeader.Authority, value);
    }
}
