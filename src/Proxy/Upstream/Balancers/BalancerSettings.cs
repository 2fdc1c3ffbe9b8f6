using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>How a cluster chooses among its hosts.</summary>
internal enum BalancerKind
{
    RoundRobin,
    LeastRequest,
    Random,
    RingHash,
    Maglev,

    /// <summary>The cluster itself knows: original destinations.</summary>
    ClusterProvided,
}

/// <summary>New hosts take their share of the load step by step. Times in milliseconds. Immutable. Source: Envoy's "Slow start mode".</summary>
/// <param name="WindowMs">Time until a host takes its whole share.</param>
/// <param name="Aggression">Above 1: fast at the start; 1: evenly.</param>
/// <param name="LeastShare">Share of the weight at the start, 0 to 1.</param>
internal sealed record SlowStart(long WindowMs, double Aggression, double LeastShare)
{
    /// <summary>What of its weight a host has that is in rotation since a time.</summary>
    public double FactorOf(HostState host, long now)
    {
        var age = now - host.InRotationSince;
        if (age >= WindowMs) return 1;
        var share = (double)Math.Max(1000, age) / WindowMs;
        return Math.Clamp(Math.Pow(share, 1 / Aggression), LeastShare, 1);
    }
}

/// <summary>The settings of a cluster's balancer, from the old fields or from load_balancing_policy. Immutable.</summary>
internal sealed record BalancerSettings(BalancerKind Kind)
{
    /// <summary>Hosts that a least request pick looks at.</summary>
    public int ChoiceCount { get; init; } = 2;

    /// <summary>A least request pick looks at all hosts.</summary>
    public bool FullScan { get; init; }

    /// <summary>How much requests in flight count against a host's weight.</summary>
    public double ActiveRequestBias { get; init; } = 1;

    public SlowStart? SlowStart { get; init; }

    public long MinRingSize { get; init; } = 1024;

    public long MaxRingSize { get; init; } = 8 * 1024 * 1024;

    public bool UseMurmur { get; init; }

    public int TableSize { get; init; } = 65537;

    public bool HashHostname { get; init; }

    /// <summary>Percent of the average load that a host of a hash balancer may have; 0 for any.</summary>
    public int BalanceFactor { get; init; }

    /// <summary>A cookie, header or the like may bind a request to a host. Source: the override_host policy.</summary>
    public IReadOnlyList<OverrideSource> OverrideSources { get; init; } = [];
}

/// <summary>Where the address of the host is found that a request is bound to.</summary>
/// <param name="Header">Name of a request header in lower case, or empty.</param>
/// <param name="MetadataKey">Namespace of dynamic metadata, or empty.</param>
/// <param name="MetadataPath">Names within it.</param>
internal sealed record OverrideSource(string Header, string MetadataKey, IReadOnlyList<string> MetadataPath);
