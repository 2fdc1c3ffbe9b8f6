using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>What a route changes in a request on its way to the upstream. Source: envoy.config.route.v3.RouteAction.</summary>
internal static class RequestRewriting
{
    public static void Apply(RouteEntry route, WeightedCluster? weighted, HttpExchange exchange)
    {
        var request = exchange.Request;
        Path(route, exchange);
        Host(route, weighted, exchange);
        weighted?.Request.Apply(request, exchange.Format, exchange.Scratch);
        foreach (var operations in route.RequestHeaders) operations.Apply(request, exchange.Format, exchange.Scratch);
        if (route.DecoratorOperation is { Length: > 0 } operation && !exchange.Hcm.SuppressEnvoyHeaders) request.Set(KnownHeader.EnvoyDecoratorOperation, Encoding.UTF8.GetBytes(operation));
    }

    private static void Path(RouteEntry route, HttpExchange exchange)
    {
        if (route.PrefixRewrite is null && route.RegexRewrite is null && route.TemplateRewrite is null) return;
        var request = exchange.Request;
        var target = request[KnownHeader.Path];
        // Another attempt at another host changes nothing of where the client wanted to go.
        if (!exchange.Hcm.SuppressEnvoyHeaders && !request.Has(KnownHeader.EnvoyOriginalHost)) request.Set(KnownHeader.EnvoyOriginalPath, target);
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
        else if (route.TemplateRewrite is { } template) template.Write(path, rewritten);
        else rewritten.Append(route.RegexRewrite!.Replace(Encoding.UTF8.GetString(path), route.RegexSubstitution));
        rewritten.Append(query);
        request.Set(KnownHeader.Path, rewritten.Span);
    }

    private static void Host(RouteEntry route, WeightedCluster? weighted, HttpExchange exchange)
    {
        var request = exchange.Request;
        if ((weighted?.HostRewrite ?? route.HostRewrite) is { } host) Host(route, exchange, Encoding.ASCII.GetBytes(host));
        else if (route.HostRewriteHeader is { } header)
        {
            if (request.TryGet(header, out var value) && !value.IsEmpty) Host(route, exchange, value);
        }
        else if (route.HostFromPath is var (pattern, substitution))
        {
            var target = request[KnownHeader.Path];
            var end = target.IndexOf((byte)'?');
            Host(route, exchange, Encoding.ASCII.GetBytes(pattern.Replace(Encoding.UTF8.GetString(end < 0 ? target : target[..end]), substitution)));
        }
    }

    /// <summary>Sets the host; what it was goes to x-envoy-original-host, and to x-forwarded-host when the route says so.</summary>
    public static void Host(RouteEntry route, HttpExchange exchange, ReadOnlySpan<byte> host)
    {
        var request = exchange.Request;
        // Another attempt at another host changes nothing of where the client wanted to go.
        if (!exchange.Hcm.SuppressEnvoyHeaders && !request.Has(KnownHeader.EnvoyOriginalHost)) request.Set(KnownHeader.EnvoyOriginalHost, request[KnownHeader.Authority]);
        if (route.AppendForwardedHost)
        {
            var before = request[KnownHeader.Authority];
            if (!request.TryGet(KnownHeader.ForwardedHost, out var list)) request.Add(KnownHeader.ForwardedHost, before);
            else if (!list.EndsWith(before)) request.Set(KnownHeader.ForwardedHost, [.. list, (byte)',', .. before]);
        }
        request.Set(KnownHeader.Authority, host);
    }
}
