using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>A virtual host: domains and routes in order. Immutable.</summary>
internal sealed record VirtualHost(string Name, RouteEntry[] Routes, bool RequireTls, HeaderOperations Response);

/// <summary>
/// A compiled route configuration. Immutable; read by any worker. Source: envoy.config.route.v3.RouteConfiguration: a domain is found
/// exactly, then by the longest suffix, then by the longest prefix, then "*".
/// </summary>
internal sealed class RouteTable
{
    private readonly Dictionary<string, VirtualHost> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VirtualHost>.AlternateLookup<ReadOnlySpan<char>> _exactLookup;
    private readonly (string Suffix, VirtualHost Host)[] _suffixes;
    private readonly (string Prefix, VirtualHost Host)[] _prefixes;
    private readonly VirtualHost? _any;
    private readonly bool _ignorePort;

    public RouteTable(string name, IEnumerable<(string Domain, VirtualHost Host)> domains, bool ignorePort, ulong fingerprint)
    {
        (Name, _ignorePort, Fingerprint) = (name, ignorePort, fingerprint);
        var suffixes = new List<(string, VirtualHost)>();
        var prefixes = new List<(string, VirtualHost)>();
        foreach (var (domain, host) in domains)
        {
            var lower = domain.ToLowerInvariant();
            if (lower == "*") _any ??= host;
            else if (lower.StartsWith('*')) suffixes.Add((lower[1..], host));
            else if (lower.EndsWith('*')) prefixes.Add((lower[..^1], host));
            else _exact.TryAdd(lower, host);
        }
        _suffixes = [.. suffixes.OrderByDescending(entry => entry.Item1.Length)];
        _prefixes = [.. prefixes.OrderByDescending(entry => entry.Item1.Length)];
        _exactLookup = _exact.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public string Name { get; }

    public ulong Fingerprint { get; }

    public static RouteTable Empty { get; } = new("", [], false, 0);

    /// <summary>The virtual host of an authority, or null.</summary>
    public VirtualHost? FindHost(ReadOnlySpan<byte> authority)
    {
        var room = authority.Length <= 256 ? stackalloc char[256] : new char[authority.Length];
        var host = room[..Encoding.ASCII.GetChars(authority, room)];
        for (var i = 0; i < host.Length; i++) host[i] = char.ToLowerInvariant(host[i]);
        if (_ignorePort && host.LastIndexOf(':') is var colon and > 0 && host.LastIndexOf(']') < colon && host[(colon + 1)..].IndexOfAnyExceptInRange('0', '9') < 0)
            host = host[..colon];
        if (_exactLookup.TryGetValue(host, out var exact)) return exact;
        foreach (var (suffix, virtualHost) in _suffixes)
            if (host.Length > suffix.Length && host.EndsWith(suffix, StringComparison.Ordinal))
                return virtualHost;
        foreach (var (prefix, virtualHost) in _prefixes)
            if (host.Length > prefix.Length && host.StartsWith(prefix, StringComparison.Ordinal))
                return virtualHost;
        return _any;
    }

    /// <summary>
    /// The first route of the request's virtual host that takes it, or null. Routes that ask for more than the request itself take none without
    /// <paramref name="info"/>.
    /// </summary>
    public RouteEntry? Select(HeaderMap request, Random random, out VirtualHost? host, StreamInfo? info = null)
    {
        host = FindHost(request[KnownHeader.Authority]);
        if (host is null) return null;
        var target = request[KnownHeader.Path];
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        var path = end < 0 ? target : target[..end];
        var query = end >= 0 && target[end] == '?' ? target[(end + 1)..] : default;
        if (query.IndexOf((byte)'#') is var fragment and >= 0) query = query[..fragment];
        foreach (var route in host.Routes)
            if (route.Match.IsMatch(request, path, query, random) && route.Match.HasFacts(info))
                return route;
        return null;
    }
}
