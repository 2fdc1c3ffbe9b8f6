namespace Lateen.Proxy.Tls;

/// <summary>How connections to a host are made. Immutable.</summary>
/// <param name="Tls">Null for plain bytes.</param>
/// <param name="ProxyProtocol">Version of the PROXY header that goes first; 0 for none.</param>
internal sealed record UpstreamTransport(TlsContextState? Tls, int ProxyProtocol = 0)
{
    public static readonly UpstreamTransport Plain = new((TlsContextState?)null);
}

/// <summary>A transport for hosts whose metadata have all of some labels. Immutable. Source: Cluster.TransportSocketMatch.</summary>
internal sealed record TransportMatch(string Name, KeyValuePair<string, string>[] Labels, UpstreamTransport Transport)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, value) in Labels)
            if (!labels.TryGetValue(key, out var given) || given != value)
                return false;
        return true;
    }
}

/// <summary>The transports of a cluster: the first match wins, then the cluster's own. Immutable.</summary>
internal sealed record TransportSet(TransportMatch[] Matches, UpstreamTransport Default)
{
    public static readonly TransportSet Plain = new([], UpstreamTransport.Plain);

    public UpstreamTransport For(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var match in Matches)
            if (match.Matches(labels))
                return match.Transport;
        return Default;
    }

    /// <summary>Connections begin with a header that names their client: they serve one client each.</summary>
    public bool IsPerClient { get; } = Matches.Select(match => match.Transport).Append(Default).Any(transport => transport.ProxyProtocol > 0);

    /// <summary>The secrets of all transports.</summary>
    public IReadOnlyList<SecretSlot> Needs => field ??= [.. Contexts.SelectMany(context => context.Needs).Distinct()];

    /// <summary>Contexts, for the admin pages.</summary>
    public IEnumerable<TlsContextState> Contexts => Matches.Select(match => match.Transport).Append(Default).Select(transport => transport.Tls).OfType<TlsContextState>();
}
