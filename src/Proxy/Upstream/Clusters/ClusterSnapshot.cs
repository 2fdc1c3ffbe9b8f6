using Lateen.Proxy.Network;

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

/// <summary>How a cluster chooses among its hosts.</summary>
internal enum BalancerKind
{
    RoundRobin,
    LeastRequest,
    Random,
    RingHash,
    Maglev,
    OriginalDestination,
}

/// <summary>Circuit breakers of one priority. Source: envoy.config.cluster.v3.CircuitBreakers.Thresholds.</summary>
internal sealed record Thresholds(long MaxConnections = 1024, long MaxPending = 1024, long MaxRequests = 1024, long MaxRetries = 3);

/// <summary>Outlier detection. Times in milliseconds. Source: envoy.config.cluster.v3.OutlierDetection.</summary>
internal sealed record OutlierSettings(
    int Consecutive5xx, int EnforceConsecutive5xx, int ConsecutiveGateway, int EnforceConsecutiveGateway, long IntervalMs, long BaseEjectionMs, long MaxEjectionMs, int MaxEjectionPercent);

/// <summary>An address to be looked up or taken as it is, with what belongs to it.</summary>
internal sealed record EndpointConfig(
    string Address, int Port, string? Path, string Hostname, int Weight, bool IsHealthy, string Region, string Zone, string SubZone, int Priority, int LocalityWeight,
    IReadOnlyDictionary<string, string> Labels);

/// <summary>The settings of a cluster, compiled. Immutable.</summary>
internal sealed record ClusterSnapshot
{
    public required string Name { get; init; }

    /// <summary>Name in statistics.</summary>
    public required string StatName { get; init; }

    public DiscoveryType Discovery { get; init; }

    /// <summary>Name to ask EDS for.</summary>
    public string EdsName { get; init; } = "";

    public BalancerKind Balancer { get; init; }

    /// <summary>Hosts that a least request pick looks at.</summary>
    public int ChoiceCount { get; init; } = 2;

    public long MinRingSize { get; init; } = 1024;

    public long MaxRingSize { get; init; } = 8 * 1024 * 1024;

    public int MaglevTableSize { get; init; } = 65537;

    public long ConnectTimeoutMs { get; init; } = 5000;

    /// <summary>Idle time after which a pooled connection is closed, in milliseconds; 0 for never.</summary>
    public long IdleTimeoutMs { get; init; } = 3_600_000;

    /// <summary>Requests after which a connection is closed; 0 for no limit.</summary>
    public long MaxRequestsPerConnection { get; init; }

    public long DnsRefreshMs { get; init; } = 5000;

    public bool RespectDnsTtl { get; init; }

    public Thresholds Default { get; init; } = new();

    public Thresholds High { get; init; } = new();

    public OutlierSettings? Outliers { get; init; }

    /// <summary>Percent of healthy hosts below which health is ignored.</summary>
    public double PanicThreshold { get; init; } = 50;

    public bool LocalityWeighted { get; init; }

    /// <summary>Address to connect from; none for any.</summary>
    public SocketAddress Source { get; init; }

    /// <summary>An original destination cluster goes to this port rather than the one that was asked for; 0 for the same.</summary>
    public int PortOverride { get; init; }

    /// <summary>An original destination cluster may take the destination from x-envoy-original-dst-host.</summary>
    public bool UseHttpHeader { get; init; }

    public (int Idle, int Interval, int Probes)? KeepAlive { get; init; }

    /// <summary>Trailers of HTTP/1 messages are passed on rather than dropped.</summary>
    public bool EnableTrailers { get; init; }

    /// <summary>Upstreams speak HTTP/2.</summary>
    public bool Http2 { get; init; }

    /// <summary>The hosts that the configuration itself names.</summary>
    public IReadOnlyList<EndpointConfig> Endpoints { get; init; } = [];

    /// <summary>filter_metadata.istio.config and the like, for logs and telemetry.</summary>
    public global::Google.Protobuf.WellKnownTypes.Struct? IstioMetadata { get; init; }

    /// <summary>Fingerprint of the message that it was compiled from.</summary>
    public ulong Fingerprint { get; init; }
}
