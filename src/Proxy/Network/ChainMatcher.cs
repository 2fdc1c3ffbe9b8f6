using System.Net;
using Lateen.Foundation.Net;

namespace Lateen.Proxy.Network;

/// <summary>What is known of a connection when its chain is chosen.</summary>
internal readonly record struct ConnectionFacts(SocketAddress Local, SocketAddress Remote, string ServerName, bool IsTls, IReadOnlyList<string> Protocols)
{
    /// <summary>The other end of the socket, whatever a header says of the client.</summary>
    public SocketAddress DirectRemote { get; init; } = Remote;
}

/// <summary>
/// Chooses a chain criterion by criterion, the most specific first: destination port, destination address, server name,
/// transport protocol, application protocol, direct source, kind of source, source address, source port. Once a criterion is
/// matched specifically, chains that are less specific in it are out of question. Immutable. Source: Envoy's FilterChainMatch.
/// </summary>
internal sealed class ChainMatcher
{
    private readonly Dictionary<int, ChainSnapshot[]> _byPort;
    private readonly ChainSnapshot[] _anyPort;
    private readonly ChainSnapshot? _default;

    public ChainMatcher(ChainSnapshot[] chains, ChainSnapshot? @default)
    {
        _default = @default;
        _anyPort = Array.FindAll(chains, chain => chain.Match.DestinationPort is null);
        _byPort = chains.Where(chain => chain.Match.DestinationPort is not null).GroupBy(chain => chain.Match.DestinationPort!.Value).ToDictionary(group => group.Key, group => group.ToArray());
    }

    /// <summary>The chain of a connection, or null.</summary>
    public ChainSnapshot? Find(in ConnectionFacts facts)
    {
        var candidates = _byPort.TryGetValue(facts.Local.Port, out var exact) ? exact : _anyPort;
        if (candidates.Length == 0) return _default;
        if (candidates is [{ Match: var only }] && IsOpen(only)) return candidates[0];
        IEnumerable<ChainSnapshot> left = candidates;
        left = MostSpecific(left, facts.Local, static match => match.Destinations);
        left = ByServerName(left, facts.ServerName);
        var transport = facts.IsTls ? "tls" : "raw_buffer";
        left = Narrow(left, chain => chain.Match.Transport == transport, chain => chain.Match.Transport.Length == 0);
        var protocols = facts.Protocols;
        left = Narrow(left, chain => chain.Match.ApplicationProtocols.Any(protocols.Contains), chain => chain.Match.ApplicationProtocols.Length == 0);
        left = MostSpecific(left, facts.DirectRemote, static match => match.DirectSources);
        var isLocal = facts.Remote.IsLoopback || facts.Remote.ToIpAddress().Equals(facts.Local.ToIpAddress());
        left = Narrow(left, chain => chain.Match.SourceIsLocal == isLocal, chain => chain.Match.SourceIsLocal is null);
        left = MostSpecific(left, facts.Remote, static match => match.Sources);
        var sourcePort = facts.Remote.Port;
        left = Narrow(left, chain => chain.Match.SourcePorts.Contains(sourcePort), chain => chain.Match.SourcePorts.Length == 0);
        return left.FirstOrDefault() ?? _default;
    }

    private static bool IsOpen(ChainMatch match) =>
        match.Destinations.Length == 0 && match.ServerNames.Length == 0 && match.Transport.Length == 0 && match.ApplicationProtocols.Length == 0 && match.DirectSources.Length == 0
        && match.Sources.Length == 0 && match.SourcePorts.Length == 0 && match.SourceIsLocal is null;

    private static ChainSnapshot[] Narrow(IEnumerable<ChainSnapshot> chains, Func<ChainSnapshot, bool> specific, Func<ChainSnapshot, bool> open)
    {
        var all = chains.ToArray();
        var matching = Array.FindAll(all, chain => specific(chain));
        return matching.Length > 0 ? matching : Array.FindAll(all, chain => open(chain));
    }

    private static ChainSnapshot[] MostSpecific(IEnumerable<ChainSnapshot> chains, SocketAddress address, Func<ChainMatch, IpPrefix[]> ranges)
    {
        var all = chains.ToArray();
        if (Array.TrueForAll(all, chain => ranges(chain.Match).Length == 0)) return all;
        IPAddress ip = address.ToIpAddress();
        int LongestOf(ChainSnapshot chain) => ranges(chain.Match) is { Length: > 0 } given ? given.Where(range => range.Contains(ip)).Select(range => range.Length).DefaultIfEmpty(-1).Max() : -2;
        var best = all.Max(LongestOf);
        return best >= 0 ? Array.FindAll(all, chain => LongestOf(chain) == best) : Array.FindAll(all, chain => ranges(chain.Match).Length == 0);
    }

    /// <summary>The exact name, then *.a.b for ever shorter suffixes, then chains without names.</summary>
    private static ChainSnapshot[] ByServerName(IEnumerable<ChainSnapshot> chains, string name)
    {
        var all = chains.ToArray();
        for (var candidate = name; candidate.Length > 0;)
        {
            var matching = Array.FindAll(all, chain => chain.Match.ServerNames.Contains(candidate));
            if (matching.Length > 0) return matching;
            var dot = candidate.IndexOf('.', candidate.StartsWith("*.", StringComparison.Ordinal) ? 2 : 0);
            candidate = dot < 0 ? "" : "*" + candidate[dot..];
        }
        return Array.FindAll(all, chain => chain.Match.ServerNames.Length == 0 || chain.Match.ServerNames.Contains("*"));
    }
}
