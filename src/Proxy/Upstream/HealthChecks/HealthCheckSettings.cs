using System.Net;

namespace Lateen.Proxy.Upstream.HealthChecks;

/// <summary>How hosts are asked for their health.</summary>
internal enum CheckKind
{
    Http,
    Tcp,
    Grpc,
}

/// <summary>Times between checks, in milliseconds. Immutable. Source: envoy.config.core.v3.HealthCheck.</summary>
internal sealed record CheckTimes(long TimeoutMs, long IntervalMs)
{
    public long InitialJitterMs { get; init; }

    public long JitterMs { get; init; }

    public int JitterPercent { get; init; }

    /// <summary>While nobody has used the cluster.</summary>
    public long NoTrafficMs { get; init; }

    /// <summary>The same, for hosts that are well.</summary>
    public long NoTrafficHealthyMs { get; init; }

    public long UnhealthyMs { get; init; }

    /// <summary>Once after a host was found ill.</summary>
    public long UnhealthyEdgeMs { get; init; }

    /// <summary>Once after a host was found well.</summary>
    public long HealthyEdgeMs { get; init; }

    /// <summary>Time until the next check.</summary>
    public long Pause(bool healthy, bool changed, bool hasTraffic, Random random)
    {
        var pause = !hasTraffic ? healthy ? NoTrafficHealthyMs : NoTrafficMs
            : healthy ? changed ? HealthyEdgeMs : IntervalMs
            : changed ? UnhealthyEdgeMs : UnhealthyMs;
        if (JitterPercent > 0) pause += random.NextInt64(Math.Max(1, pause * JitterPercent / 100));
        if (JitterMs > 0) pause += random.NextInt64(JitterMs);
        return pause;
    }
}

/// <summary>Active health checks of a cluster. Immutable. Source: envoy.config.core.v3.HealthCheck.</summary>
internal sealed record HealthCheckSettings(CheckKind Kind, CheckTimes Times)
{
    public int UnhealthyThreshold { get; init; } = 1;

    public int HealthyThreshold { get; init; } = 1;

    /// <summary>Port that is asked rather than the host's; 0 for the host's.</summary>
    public int AltPort { get; init; }

    public bool ReuseConnection { get; init; } = true;

    /// <summary>Host header or :authority; empty for the endpoint's name, else the cluster's.</summary>
    public string Host { get; init; } = "";

    public string Path { get; init; } = "/";

    public string Method { get; init; } = "GET";

    public bool UseHttp2 { get; init; }

    /// <summary>Statuses that mean well; ends are not part of it.</summary>
    public IReadOnlyList<(long Start, long End)> Expected { get; init; } = [(200, 201)];

    /// <summary>Statuses that count towards the threshold; all others mean ill at once.</summary>
    public IReadOnlyList<(long Start, long End)> Retriable { get; init; } = [];

    public IReadOnlyList<(string Name, string Value)> AddHeaders { get; init; } = [];

    public IReadOnlyList<string> RemoveHeaders { get; init; } = [];

    /// <summary>Bytes that are sent to a TCP host.</summary>
    public byte[] Send { get; init; } = [];

    /// <summary>Pieces that the answer must contain, in this order.</summary>
    public IReadOnlyList<byte[]> Receive { get; init; } = [];

    /// <summary>Most bytes of an HTTP answer that are looked at; 0 for all.</summary>
    public long ResponseBytes { get; init; } = 1024;

    /// <summary>Service that a gRPC host is asked about.</summary>
    public string ServiceName { get; init; } = "";

    /// <summary>The cluster that the host says it belongs to; null for any.</summary>
    public Http.Routing.StringMatch? ServiceMatch { get; init; }
}

/// <summary>What a check found.</summary>
internal enum CheckResult
{
    Passed,
    PassedDegraded,

    /// <summary>No answer: counts towards the threshold.</summary>
    NetworkFailure,

    /// <summary>No answer in time: counts towards the threshold.</summary>
    Timeout,

    /// <summary>The answer means ill, but may be asked for again.</summary>
    RetriableFailure,

    /// <summary>The answer means ill.</summary>
    Failure,
}
