namespace Lateen.Proxy.Upstream.Outliers;

/// <summary>Why a host is put aside. The order is that of the statistics.</summary>
internal enum EjectionKind
{
    Consecutive5xx,
    ConsecutiveGateway,
    ConsecutiveLocal,
    SuccessRate,
    LocalSuccessRate,
    FailurePercentage,
    LocalFailurePercentage,
}

/// <summary>Outlier detection. Times in milliseconds, shares in percent. Immutable. Source: envoy.config.cluster.v3.OutlierDetection.</summary>
internal sealed record OutlierSettings
{
    public int Consecutive5xx { get; init; } = 5;

    public int ConsecutiveGateway { get; init; } = 5;

    public int ConsecutiveLocal { get; init; } = 5;

    /// <summary>Failures to reach a host count apart from what it answers.</summary>
    public bool SplitLocal { get; init; }

    /// <summary>How many of the ejections of each kind are carried out, by <see cref="EjectionKind"/>.</summary>
    public IReadOnlyList<int> Enforcing { get; init; } = [100, 0, 100, 100, 100, 0, 0];

    public long IntervalMs { get; init; } = 10_000;

    public long BaseEjectionMs { get; init; } = 30_000;

    public long MaxEjectionMs { get; init; } = 300_000;

    public long JitterMs { get; init; }

    public int MaxEjectionPercent { get; init; } = 10;

    /// <summary>The first host is ejected whatever the percentage says.</summary>
    public bool AlwaysOne { get; init; }

    public int SuccessRateHosts { get; init; } = 5;

    public int SuccessRateVolume { get; init; } = 100;

    /// <summary>Thousandths of the standard deviation that a host may be below the mean.</summary>
    public int SuccessRateFactor { get; init; } = 1900;

    public int FailureThreshold { get; init; } = 85;

    public int FailureHosts { get; init; } = 5;

    public int FailureVolume { get; init; } = 50;

    /// <summary>A passed health check ends an ejection.</summary>
    public bool UnejectOnCheck { get; init; } = true;
}
