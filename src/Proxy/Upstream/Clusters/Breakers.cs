using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>What a circuit breaker limits.</summary>
internal enum BreakerKind
{
    Connections,
    Pending,
    Requests,
    Retries,
}

/// <summary>
/// What is in use of a cluster's limits for one priority, all workers together, so that a limit is exact whatever the number of
/// workers. Any thread. Source: Envoy's "Circuit breaking".
/// </summary>
internal sealed class Breakers(ClusterStats stats, int firstStat)
{
    private const int Kinds = 4;
    private readonly long[] _used = new long[Kinds];
    private readonly int[] _open = new int[Kinds];

    public bool TryBegin(BreakerKind kind, Thresholds limits)
    {
        var limit = Limit(kind, limits);
        var used = Interlocked.Increment(ref _used[(int)kind]);
        if (used >= limit) Show(kind, open: true);
        if (used <= limit) return true;
        Interlocked.Decrement(ref _used[(int)kind]);
        return false;
    }

    public void End(BreakerKind kind, Thresholds limits)
    {
        var used = Interlocked.Decrement(ref _used[(int)kind]);
        if (Volatile.Read(ref _open[(int)kind]) != 0 && used < Limit(kind, limits)) Show(kind, open: false);
    }

    /// <summary>Gauges behind those that say which breaker is open, in the same order.</summary>
    public void ShowRemaining(Thresholds limits)
    {
        for (var kind = 0; kind < Kinds; kind++)
            stats.SetShared(firstStat + Kinds + kind, Math.Max(0, Limit((BreakerKind)kind, limits) - Volatile.Read(ref _used[kind])));
    }

    private void Show(BreakerKind kind, bool open)
    {
        var (before, after) = open ? (0, 1) : (1, 0);
        if (Interlocked.CompareExchange(ref _open[(int)kind], after, before) == before) stats.AddShared(firstStat + (int)kind, after - before);
    }

    private long Limit(BreakerKind kind, Thresholds limits) => kind switch
    {
        BreakerKind.Connections => limits.MaxConnections,
        BreakerKind.Pending => limits.MaxPending,
        BreakerKind.Requests => limits.MaxRequests,
        _ when limits.RetryBudget is var (percent, least) => Math.Max(least, (long)(percent / 100 * (Volatile.Read(ref _used[(int)BreakerKind.Requests]) + Volatile.Read(ref _used[(int)BreakerKind.Pending])))),
        _ => limits.MaxRetries,
    };
}
