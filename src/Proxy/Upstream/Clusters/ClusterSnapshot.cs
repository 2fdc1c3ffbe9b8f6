using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.HealthChecks;
using Lateen.Proxy.Upstream.Outliers;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>How a cluster finds its hosts.</summary>
internal enum DiscoveryType
{
    Static,
    StrictDns,
    LogicalDns,
    Eds,
    OriginalDestination,
}

/// <summary>Which addresses of a name are wanted. Source: envoy.config.cluster.v3.Cluster.DnsLookupFamily.</summary>
internal enum NameFamily
{
    /// <summary>IPv6; IPv4 when there is none.</summary>
    Auto,
    V4Only,
    V6Only,
    V4Preferred,
    All,
}

/// <summary>What the upstreams of a cluster speak.</summary>
internal enum UpstreamProtocol
{
    Http1,
    Http2,

    /// <summary>What TLS negotiates (ALPN).</summary>
    Negotiated,

    /// <summary>What the client of the request speaks.</summary>
    Downstream,
}

/// <summary>Circuit breakers of one priority. Immutable. Source: envoy.config.cluster.v3.CircuitBreakers.Thresholds.</summary>
internal sealed record Thresholds(long MaxConnections = 1024, long MaxPending = 1024, long MaxRequests = 1024, long MaxRetries = 3)
{
    /// <summary>Retries follow the requests in flight instead: so many percent of them, but at least so many.</summary>
    public (double Percent, long Least)? RetryBudget { get; init; }

    /// <summary>What is left is shown among the statistics.</summary>
    public bool TrackRemaining { get; init; }
}

/// <summary>What the control plane or the operator says of a host's health. Source: envoy.config.core.v3.HealthStatus.</summary>
internal enum EndpointHealth
{
    Healthy,
    Unhealthy,
    Draining,
    Timeout,
    Degraded,
}

/// <summary>Rules that an assignment brings with it. Immutable.</summary>
internal sealed record AssignmentPolicy(int Overprovisioning, bool WeightedHealth)
{
    public static readonly AssignmentPolicy Usual = new(140, false);
}

/// <summary>An address to be looked up or taken as it is, with what belongs to it.</summary>
internal sealed record EndpointConfig(string Address, int Port, string? Path)
{
    public string Hostname { get; init; } = "";

    public int Weight { get; init; } = 1;

    public EndpointHealth Health { get; init; }

    public string Region { get; init; } = "";

    public string Zone { get; init; } = "";

    public string SubZone { get; init; } = "";

    public int Priority { get; init; }

    public int LocalityWeight { get; init; }

    /// <summary>filter_metadata.istio.workload: who the endpoint is, as Istio's control plane says it.</summary>
    public string? IstioWorkload { get; init; }

    /// <summary>Metadata under envoy.lb, as texts.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = HostState.NoLabels;

    /// <summary>The endpoint's metadata under envoy.transport_socket_match, which choose the transport.</summary>
    public IReadOnlyDictionary<string, string> TransportLabels { get; init; } = HostState.NoLabels;

    /// <summary>The policy of the assignment that it stands in.</summary>
    public AssignmentPolicy Policy { get; init; } = AssignmentPolicy.Usual;

    /// <summary>Where its health is asked for, when that is elsewhere.</summary>
    public EndpointCheck? Check { get; init; }
}

/// <summary>How one host's health checks differ from the cluster's. Source: envoy.config.endpoint.v3.Endpoint.HealthCheckConfig.</summary>
internal sealed record EndpointCheck(SocketAddress Address, int Port, string Hostname, bool IsOff);

/// <summary>The settings of a cluster, compiled. Immutable.</summary>
internal sealed record ClusterSnapshot
{
    public required string Name { get; init; }

    /// <summary>Name in statistics.</summary>
    public required string StatName { get; init; }

    public DiscoveryType Discovery { get; init; }

    /// <summary>Name to ask EDS for.</summary>
    public string EdsName { get; init; } = "";

    public BalancerSettings Balancer { get; init; } = new(BalancerKind.RoundRobin);

    /// <summary>Who may be chosen; the assignment's policy comes on top.</summary>
    public HostSetRules Rules { get; init; } = new();

    /// <summary>How hosts are divided by labels; null for not at all.</summary>
    public SubsetSettings? Subsets { get; init; }

    public long ConnectTimeoutMs { get; init; } = 5000;

    /// <summary>Idle time after which a pooled connection is closed, in milliseconds; 0 for never.</summary>
    public long IdleTimeoutMs { get; init; } = 3_600_000;

    /// <summary>Requests after which a connection is closed; 0 for no limit.</summary>
    public long MaxRequestsPerConnection { get; init; }

    public long DnsRefreshMs { get; init; } = 5000;

    /// <summary>Added to the refresh time at random, so that many proxies do not ask at once.</summary>
    public long DnsJitterMs { get; init; }

    /// <summary>Time until the first repetition of a failed look-up, and the most that it grows to.</summary>
    public (long Base, long Max)? DnsFailureRefreshMs { get; init; }

    public NameFamily Family { get; init; }

    public bool RespectDnsTtl { get; init; }

    public Thresholds Default { get; init; } = new();

    public Thresholds High { get; init; } = new();

    public OutlierSettings? Outliers { get; init; }

    /// <summary>Active health checks; null for none.</summary>
    public HealthCheckSettings? Check { get; init; }

    /// <summary>A host that is removed goes at once, even when its health checks still pass.</summary>
    public bool IgnoreHealthOnRemoval { get; init; }

    /// <summary>Connections to a host end when its health checks fail.</summary>
    public bool CloseOnHealthFailure { get; init; }

    /// <summary>Pooled connections to all hosts end when hosts come or go.</summary>
    public bool CloseOnHostChange { get; init; }

    /// <summary>New hosts are left out until their first health check.</summary>
    public bool IgnoreNewHosts { get; init; }

    /// <summary>Health states in which a bound host is taken. Bits of <see cref="EndpointHealth"/>.</summary>
    public int BoundHealth { get; init; } = 1 << (int)EndpointHealth.Healthy | 1 << (int)EndpointHealth.Degraded;

    /// <summary>Address to connect from; none for any.</summary>
    public SocketAddress Source { get; init; }

    /// <summary>An original destination cluster goes to this port rather than the one that was asked for; 0 for the same.</summary>
    public int PortOverride { get; init; }

    /// <summary>An original destination cluster takes the destination from this request header, when it is there; empty for none.</summary>
    public string DestinationHeader { get; init; } = "";

    /// <summary>Time after which an original destination that nobody uses is forgotten.</summary>
    public long CleanupMs { get; init; } = 5000;

    public (int Idle, int Interval, int Probes)? KeepAlive { get; init; }

    /// <summary>Trailers of HTTP/1 messages are passed on rather than dropped.</summary>
    public bool EnableTrailers { get; init; }

    /// <summary>What upstreams speak.</summary>
    public UpstreamProtocol Protocol { get; init; }

    public Http.Http2.Http2Options Http2 { get; init; } = Proxy.Http.Http2.Http2Options.Default;

    /// <summary>The hosts that the configuration itself names.</summary>
    public IReadOnlyList<EndpointConfig> Endpoints { get; init; } = [];

    /// <summary>How connections to hosts are made.</summary>
    public TransportSet Transports { get; init; } = TransportSet.Plain;

    /// <summary>filter_metadata.istio.config and the like, for logs and telemetry.</summary>
    public global::Google.Protobuf.WellKnownTypes.Struct? IstioMetadata { get; init; }

    /// <summary>Fingerprint of the message that it was compiled from.</summary>
    public ulong Fingerprint { get; init; }
}
