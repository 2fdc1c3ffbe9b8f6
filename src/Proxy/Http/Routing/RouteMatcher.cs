using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>How a route's path condition compares.</summary>
internal enum PathKind
{
    Prefix,
    Exact,
    Regex,
    SeparatedPrefix,
    Connect,
    Template,
}

/// <summary>Which requests a route takes. Immutable. Source: envoy.config.route.v3.RouteMatch.</summary>
internal sealed class RouteMatcher(PathKind kind, string text, bool ignoreCase, Regex? regex, HeaderMatch[] headers, QueryMatch[] query, double? percent, bool grpcOnly)
{
    private readonly byte[] _text = Encoding.UTF8.GetBytes(ignoreCase ? text.ToLowerInvariant() : text);

    public PathKind Kind => kind;

    /// <summary>What the stream and its connection must have beside the request: metadata, filter state, certificates.</summary>
    public Func<StreamInfo, bool>[] Facts { get; init; } = [];

    /// <summary>The expression of a regular expression or template.</summary>
    public Regex? Expression => regex;

    /// <summary>Names of a template's variables, in the order of the expression's groups.</summary>
    public string[] Variables { get; init; } = [];

    /// <summary>The text of the path condition: what a prefix rewrite replaces.</summary>
    public string Text => text;

    /// <summary>Bytes of the path that the condition covers.</summary>
    public int PrefixLength => kind is PathKind.Prefix or PathKind.Exact or PathKind.SeparatedPrefix ? _text.Length : 0;

    public bool IsMatch(HeaderMap request, ReadOnlySpan<byte> path, ReadOnlySpan<byte> queryString, Random random)
    {
        if (!MatchesPath(request, path)) return false;
        foreach (var header in headers)
            if (!header.IsMatch(request))
                return false;
        foreach (var parameter in query)
            if (!parameter.IsMatch(queryString))
                return false;
        if (grpcOnly && !GrpcText.IsContentType(request[KnownHeader.ContentType])) return false;
        return percent is not { } share || random.NextDouble() * 100 < share;
    }

    public bool HasFacts(StreamInfo? info)
    {
        foreach (var fact in Facts)
            if (info is null || !fact(info))
                return false;
        return true;
    }

    private bool MatchesPath(HeaderMap request, ReadOnlySpan<byte> path) => kind switch
    {
        PathKind.Prefix => path.Length >= _text.Length && Same(path[.._text.Length]),
        PathKind.Exact => path.Length == _text.Length && Same(path),
        PathKind.SeparatedPrefix => path.Length >= _text.Length && Same(path[.._text.Length]) && (path.Length == _text.Length || path[_text.Length] == '/'),
        PathKind.Connect => request[KnownHeader.Method].SequenceEqual("CONNECT"u8),
        _ => SafeRegex.IsMatch(regex!, path),
    };

    private bool Same(ReadOnlySpan<byte> path) => ignoreCase ? HttpText.EqualsIgnoreCase(path, _text) : path.SequenceEqual(_text);
}

/// <summary>A condition on a query parameter. Immutable.</summary>
internal sealed class QueryMatch(string name, StringMatch? value, bool? present)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(name);

    /// <summary>What stands behind the question mark of a request's target.</summary>
    public static ReadOnlySpan<byte> QueryOf(ReadOnlySpan<byte> target)
    {
        var start = target.IndexOf((byte)'?');
        if (start < 0) return default;
        var query = target[(start + 1)..];
        var end = query.IndexOf((byte)'#');
        return end < 0 ? query : query[..end];
    }

    /// <summary>The first value of a parameter, as it stands; null when there is none.</summary>
    public static string? Find(ReadOnlySpan<byte> query, ReadOnlySpan<byte> name)
    {
        foreach (var range in query.Split((byte)'&'))
        {
            var pair = query[range];
            var equals = pair.IndexOf((byte)'=');
            if ((equals < 0 ? pair : pair[..equals]).SequenceEqual(name)) return equals < 0 ? "" : Encoding.UTF8.GetString(pair[(equals + 1)..]);
        }
        return null;
    }

    /// <summary>The first parameter of the name counts, as it stands, without decoding.</summary>
    public bool IsMatch(ReadOnlySpan<byte> query)
    {
        while (!query.IsEmpty)
        {
            var end = query.IndexOf((byte)'&');
            var pair = end < 0 ? query : query[..end];
            var equals = pair.IndexOf((byte)'=');
            if ((equals < 0 ? pair : pair[..equals]).SequenceEqual(_name))
                return present ?? value?.IsMatch(equals < 0 ? default : pair[(equals + 1)..]) ?? true;
            query = end < 0 ? default : query[(end + 1)..];
        }
        return present == false;
    }
}
