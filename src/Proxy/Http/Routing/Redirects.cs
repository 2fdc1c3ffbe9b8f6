using System.Globalization;
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
        var host = redirect.Host ?? HostOf(Encoding.ASCII.GetString(request[KnownHeader.Authority]), oldScheme, scheme, redirect.Port is not null);
        scratch.Clear();
        scratch.Append($"{scheme}://{host}");
        if (redirect.Port is { } port) scratch.Append(string.Create(CultureInfo.InvariantCulture, $":{port}"));
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

    /// <summary>The request's host; its port goes when there is a new one, or when it was the old scheme's own and the scheme changes.</summary>
    private static string HostOf(string authority, string oldScheme, string scheme, bool hasNewPort)
    {
        var colon = authority.LastIndexOf(':');
        if (colon <= 0 || colon < authority.LastIndexOf(']')) return authority;
        var isOldDefault = (oldScheme, authority[(colon + 1)..]) is ("http", "80") or ("https", "443");
        return hasNewPort || scheme != oldScheme && isOldDefault ? authority[..colon] : authority;
    }
}
