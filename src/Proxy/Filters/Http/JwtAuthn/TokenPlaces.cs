using System.Text;
using Lateen.Proxy.Http.Headers;
using ProviderConfig = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>A token of a request and where it stood.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Header">Name of its header; null for another place.</param>
/// <param name="Parameter">Name of its query parameter; null for another place.</param>
internal readonly record struct FoundToken(string Text, byte[]? Header, string? Parameter);

/// <summary>Where the tokens of a provider are looked for. Immutable. Source: Envoy, source/extensions/filters/http/jwt_authn/extractor.cc.</summary>
internal sealed class TokenPlaces
{
    private readonly (byte[] Name, string Prefix)[] _headers;
    private readonly string[] _parameters;
    private readonly string[] _cookies;

    public TokenPlaces(ProviderConfig config)
    {
        _headers = [.. config.FromHeaders.Select(header => (Encoding.ASCII.GetBytes(header.Name.ToLowerInvariant()), header.ValuePrefix))];
        (_parameters, _cookies) = ([.. config.FromParams], [.. config.FromCookies]);
        if (_headers.Length == 0 && _parameters.Length == 0 && _cookies.Length == 0) (_headers, _parameters) = ([("authorization"u8.ToArray(), "Bearer ")], ["access_token"]);
    }

    public void Find(HeaderMap request, List<FoundToken> found)
    {
        foreach (var (name, prefix) in _headers)
            if (request.TryGet(name, out var bytes))
            {
                var value = Encoding.Latin1.GetString(bytes);
                if (prefix.Length > 0)
                {
                    var at = value.IndexOf(prefix, StringComparison.Ordinal);
                    if (at < 0) continue;
                    value = Token(value, at + prefix.Length);
                }
                found.Add(new FoundToken(value, name, null));
            }
        if (_parameters.Length > 0)
        {
            var target = Encoding.Latin1.GetString(request[KnownHeader.Path]);
            foreach (var parameter in _parameters)
                if (QueryText.Find(target, parameter) is { Length: > 0 } value)
                    found.Add(new FoundToken(value, null, parameter));
        }
        foreach (var cookie in _cookies)
            if (Cookie(Encoding.Latin1.GetString(request[KnownHeader.Cookie]), cookie) is { Length: > 0 } value)
                found.Add(new FoundToken(value, null, null));
    }

    /// <summary>The run of a token's characters behind a prefix.</summary>
    private static string Token(string value, int from)
    {
        var start = from;
        while (start < value.Length && !IsTokenChar(value[start])) start++;
        if (start == value.Length) return value;
        var end = start;
        while (end < value.Length && IsTokenChar(value[end])) end++;
        return value[start..end];
    }

    private static bool IsTokenChar(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    private static string? Cookie(string header, string name)
    {
        foreach (var pair in header.Split(';', StringSplitOptions.TrimEntries))
            if (pair.StartsWith(name, StringComparison.Ordinal) && pair.Length > name.Length && pair[name.Length] == '=')
                return pair[(name.Length + 1)..].Trim('"');
        return null;
    }
}

/// <summary>Reads and cuts query parameters of a request target.</summary>
internal static class QueryText
{
    /// <summary>The first value of a parameter, percent escapes resolved; null when it is not there.</summary>
    public static string? Find(string target, string name)
    {
        foreach (var (start, end) in Pairs(target))
        {
            var equals = target.IndexOf('=', start, end - start);
            if (equals >= 0 && Uri.UnescapeDataString(target[start..equals]) == name) return Uri.UnescapeDataString(target[(equals + 1)..end]);
        }
        return null;
    }

    /// <summary>The target without a parameter.</summary>
    public static string Without(string target, string name)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query < 0) return target;
        var kept = Pairs(target).Select(pair => target[pair.Start..pair.End]).Where(pair => Uri.UnescapeDataString(pair.Split('=')[0]) != name).ToArray();
        return target[..query] + (kept.Length > 0 ? "?" + string.Join('&', kept) : "");
    }

    private static List<(int Start, int End)> Pairs(string target)
    {
        var pairs = new List<(int, int)>();
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query < 0) return pairs;
        var stop = target.IndexOf('#', query) is var hash and >= 0 ? hash : target.Length;
        for (var start = query + 1; start < stop;)
        {
            var end = target.IndexOf('&', start, stop - start) is var ampersand and >= 0 ? ampersand : stop;
            if (end > start) pairs.Add((start, end));
            start = end + 1;
        }
        return pairs;
    }
}
