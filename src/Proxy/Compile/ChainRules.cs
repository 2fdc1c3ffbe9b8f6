using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;

namespace Lateen.Proxy.Compile;

/// <summary>What the conditions of a listener's filter chains mean to one another. Pure. Source: Envoy, FilterChainManagerImpl.</summary>
internal static class ChainRules
{
    /// <exception cref="ConfigRefusedException">Two chains would serve the same connection, or there is none at all.</exception>
    public static void Check(Listener listener)
    {
        if (listener.FilterChains.Count == 0 && listener.DefaultFilterChain is null) throw new ConfigRefusedException("filter_chains", "is empty");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < listener.FilterChains.Count; i++)
        {
            var path = $"filter_chains[{i}].filter_chain_match";
            var match = listener.FilterChains[i].FilterChainMatch ?? new FilterChainMatch();
            for (var n = 0; n < match.ServerNames.Count; n++)
                if (match.ServerNames[n].LastIndexOf('*') is var star and >= 0 && (star > 0 || !match.ServerNames[n].StartsWith("*.", StringComparison.Ordinal)))
                    throw new ConfigRefusedException($"{path}.server_names[{n}]", "has a wildcard elsewhere than in *. at its beginning");
            foreach (var key in Keys(match))
                if (!seen.Add(key))
                    throw new ConfigRefusedException(path, "takes connections that another chain takes, or the same connections twice");
        }
    }

    /// <summary>Every combination of one value of each condition.</summary>
    private static IEnumerable<string> Keys(FilterChainMatch match) =>
        from destination in OrAny(match.PrefixRanges.Select(Text))
        from name in OrAny(match.ServerNames.Select(name => name.ToLowerInvariant()))
        from protocol in OrAny(match.ApplicationProtocols)
        from direct in OrAny(match.DirectSourcePrefixRanges.Select(Text))
        from source in OrAny(match.SourcePrefixRanges.Select(Text))
        from port in OrAny(match.SourcePorts.Select(port => $"{port}"))
        select $"{match.DestinationPort}|{destination}|{name}|{match.TransportProtocol}|{protocol}|{direct}|{match.SourceType}|{source}|{port}";

    private static IEnumerable<string> OrAny(IEnumerable<string> values) => values.DefaultIfEmpty("");

    private static string Text(CidrRange range) => $"{range.AddressPrefix}/{range.PrefixLen ?? 0}";
}
