using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>The Location of a redirect. Source: envoy.config.route.v3.RedirectAction.</summary>
internal static class Redirects
{
    public static void WriteLocation(RedirectAction redirect, RouteEntry route, HeaderMap request, HeaderMap response, ByteBuilder scratch)
    {
        var oldScheme = request.TryGet(KnownHeader.ForwardedProto, out var proto) ? Encoding.ASCII.GetString(proto) : "http";
        var scheme = redirect.Scheme ?? (redirect.HttpsRedirect ? "https" : oldScheme);
        var authority = Encoding.ASCII.GetString(request[KnownHeader.Authority]);
        var colon = authority.LastIndexOf(':');
        var port = colon > 0 && colon > authority.LastIndexOf(']') ? authority[(colon + 1)..] : "";
        var host = redirect.Host ?? (port.Length > 0 ? authority[..colon] : authority);
        if (redirect.Port is { } given) port = given.ToString(System.Globalization.CultureInfo.InvariantCulture);
        else if (redirect.Host is not null || redirect.Scheme is not null && port is "80" or "443") port = "";
        if (scheme == "http" && port == "80" || scheme == "https" && port == "443") port = "";
        scratch.Clear();
        scratch.Append($"{scheme}://{host}{(port.Length > 0 ? ":" + port : "")}");
        var target = Encoding.UTF8.GetString(request[KnownHeader.Path]);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var (path, rest) = query < 0 ? (target, "") : (target[..query], target[query..]);
        if (redirect.StripQuery) rest = "";
        if (redirect.Path is { } whole)
        {
            path = whole;
            if (whole.Contains('?')) rest = "";
        }
        else if (redirect.PrefixRewrite is { } prefix) path = prefix + path[Math.Min(path.Length, route.Match.PrefixLength)..];
        else if (redirect.RegexPattern is { } pattern) path = pattern.Replace(path, redirect.RegexSubstitution ?? "");
        scratch.Append(path);
        scratch.Append(rest);
        response.Set(KnownHeader.Location, scratch.Span);
    }
}
