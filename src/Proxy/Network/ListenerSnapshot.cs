using Lateen.Foundation.Net;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Network;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Network;

/// <summary>What serves a connection once its chain is chosen. Immutable.</summary>
internal abstract record NetworkFilterSnapshot;

/// <summary>HTTP.</summary>
internal sealed record HttpFilterSnapshot(HcmSnapshot Hcm) : NetworkFilterSnapshot;

/// <summary>Bytes, to one of some clusters. Times in milliseconds, 0 for none.</summary>
internal sealed record TcpFilterSnapshot(
    (string Cluster, int Weight)[] Clusters, TcpStats Stats, AccessLog[] AccessLogs, long IdleTimeoutMs, int MaxConnectAttempts) : NetworkFilterSnapshot
{
    /// <summary>Subsets that serve, by the place of the cluster; null for all.</summary>
    public Upstream.Clusters.SubsetCriteria?[] Criteria { get; init; } = [];

    /// <summary>Connections of one address go to one host, where the cluster balances by hash.</summary>
    public bool HashSource { get; init; }

    /// <summary>Longest life of a connection, in milliseconds; 0 for no limit.</summary>
    public long MaxDurationMs { get; init; }
}

/// <summary>Closes at once: what nothing is meant to reach.</summary>
internal sealed record CloseFilterSnapshot : NetworkFilterSnapshot;

/// <summary>When a chain applies; an empty criterion takes everything. Immutable. Source: envoy.config.listener.v3.FilterChainMatch.</summary>
internal sealed record ChainMatch
{
    public int? DestinationPort { get; init; }

    public IpPrefix[] Destinations { get; init; } = [];

    public string[] ServerNames { get; init; } = [];

    /// <summary>raw_buffer or tls; empty for both.</summary>
    public string Transport { get; init; } = "";

    public string[] ApplicationProtocols { get; init; } = [];

    public IpPrefix[] DirectSources { get; init; } = [];

    public IpPrefix[] Sources { get; init; } = [];

    public int[] SourcePorts { get; init; } = [];

    /// <summary>True for clients of this machine, false for others, null for all.</summary>
    public bool? SourceIsLocal { get; init; }
}

/// <summary>A chain: its condition and what serves it. Immutable; the same object stays in use while its message does not change.</summary>
internal sealed record ChainSnapshot(string Name, ChainMatch Match, NetworkFilterSnapshot Filter, ulong Fingerprint)
{
    /// <summary>What has to be there before the chain serves.</summary>
    public IDependency[] Needs { get; init; } = [];

    /// <summary>What stands in front of <see cref="Filter"/>, in order.</summary>
    public INetworkFilter[] Before { get; init; } = [];

    /// <summary>Null for plain bytes.</summary>
    public TlsContextState? Tls { get; init; }

    /// <summary>Time for the handshake in milliseconds; 0 for no limit.</summary>
    public long HandshakeTimeoutMs { get; init; }
}

/// <summary>A listener, compiled. Immutable.</summary>
internal sealed record ListenerSnapshot
{
    public required string Name { get; init; }

    public SocketAddress Address { get; init; }

    /// <summary>Whether it has a socket; others are reached through a listener with <see cref="UseOriginalDestination"/>.</summary>
    public bool BindToPort { get; init; } = true;

    /// <summary>Hands a connection to the listener of its original destination.</summary>
    public bool UseOriginalDestination { get; init; }

    /// <summary>Takes the original destination as the connection's local address.</summary>
    public bool RestoreOriginalDestination { get; init; }

    public bool Transparent { get; init; }

    public bool FreeBind { get; init; }

    /// <summary>Looks at the first bytes for TLS, its server name and protocols.</summary>
    public bool InspectTls { get; init; }

    /// <summary>Looks at the first bytes for HTTP.</summary>
    public bool InspectHttp { get; init; }

    /// <summary>Ports whose connections are not looked at.</summary>
    public (int From, int To)[] TlsInspectionOff { get; init; } = [];

    /// <inheritdoc cref="TlsInspectionOff"/>
    public (int From, int To)[] HttpInspectionOff { get; init; } = [];

    /// <summary>How the headers of load balancers are read; null when none are.</summary>
    public ProxyHeaderSettings? ProxyHeaders { get; init; }

    public long InspectTimeoutMs { get; init; } = 15_000;

    public bool ContinueOnInspectTimeout { get; init; }

    public int Backlog { get; init; } = 1024;

    public ChainSnapshot[] Chains { get; init; } = [];

    public ChainSnapshot? Default { get; init; }

    /// <summary>Logs connections that no chain takes.</summary>
    public AccessLog[] AccessLogs { get; init; } = [];

    public required ListenerStats Stats { get; init; }

    public ulong Fingerprint { get; init; }

    public ChainMatcher Matcher => field ??= new ChainMatcher(Chains, Default);
}
