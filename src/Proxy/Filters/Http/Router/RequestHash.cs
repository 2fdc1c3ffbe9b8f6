using System.Globalization;
using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.Balancers;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>The hash of a request by its route's hash policies. Source: envoy.config.route.v3.RouteAction.HashPolicy.</summary>
internal static class RequestHash
{
    public static ulong? Of(RouteEntry route, HttpExchange exchange)
    {
        ulong? hash = null;
        foreach (var policy in route.Hash)
        {
            if (Of(policy, exchange) is { } own) hash = hash is { } before ? (before << 1 | before >> 63) ^ own : own;
            if (policy.Terminal && hash is not null) break;
        }
        return hash;
    }

    private static ulong? Of(HashPolicy policy, HttpExchange exchange)
    {
        var request = exchange.Request;
        if (policy.Header is { } header)
        {
            if (!request.TryGet(header, out var value)) return null;
            return policy.Rewrite is var (pattern, substitution) ? Hashing.Of(pattern.Replace(Encoding.UTF8.GetString(value), substitution)) : Hashing.Of(value);
        }
        if (policy.SourceIp)
        {
            Span<byte> text = stackalloc byte[64];
            return Hashing.Of(text[..exchange.Info.DownstreamRemote.Format(text, withPort: false)]);
        }
        if (policy.QueryParameter is { } parameter) return Query(request[KnownHeader.Path], parameter) is { } found ? Hashing.Of(found) : null;
        if (policy.CookieName is null) return null;
        var name = Encoding.ASCII.GetBytes(policy.CookieName);
        if (Cookie(request, name) is { IsEmpty: false } cookie) return Hashing.Of(cookie);
        if (policy.CookieTtlSeconds is not { } ttl) return null;
        // The client gets a cookie that keeps it with the host that is chosen now.
        Span<byte> fresh = stackalloc byte[16];
        exchange.Worker.Random.NextBytes(fresh[..8]);
        var text16 = Convert.ToHexStringLower(fresh[..8]);
        var expires = ttl > 0 ? string.Create(CultureInfo.InvariantCulture, $"; Max-Age={ttl}") : "";
        var path = policy.CookiePath is { Length: > 0 } given ? $"; Path={given}" : "";
        exchange.NewCookie = $"{policy.CookieName}=\"{text16}\"{expires}{path}; HttpOnly";
        return Hashing.Of(Encoding.ASCII.GetBytes(text16));
    }

    /// <summary>The value of a request's cookie; empty when there is none.</summary>
    public static ReadOnlySpan<byte> Cookie(HeaderMap request, ReadOnlySpan<byte> name)
    {
        for (var place = request.Find("cookie"u8, 0); place >= 0; place = request.Find("cookie"u8, place + 1))
            for (var rest = request.ValueAt(place); !rest.IsEmpty;)
            {
                var end = rest.IndexOf((byte)';');
                var pair = HttpText.Trim(end < 0 ? rest : rest[..end]);
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name)) return pair[(name.Length + 1)..].Trim((byte)'"');
                rest = end < 0 ? default : rest[(end + 1)..];
            }
        return default;
    }

    private static byte[]? Query(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        var start = path.IndexOf((byte)'?');
        for (var rest = start < 0 ? default : path[(start + 1)..]; !rest.IsEmpty;)
        {
            var end = rest.IndexOf((byte)'&');
            var pair = end < 0 ? rest : rest[..end];
            if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name)) return pair[(name.Length + 1)..].ToArray();
            rest = end < 0 ? default : rest[(end + 1)..];
        }
        return null;
    }
}
