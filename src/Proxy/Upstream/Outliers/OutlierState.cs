namespace Lateen.Proxy.Upstream.Outliers;

/// <summary>What outlier detection knows of one host. Counted by workers without locks; the rest is written under the cluster's gate.</summary>
internal sealed class OutlierState
{
    public int Consecutive5xx, ConsecutiveGateway, ConsecutiveLocal;

    /// <summary>Answers of this interval, and attempts to reach the host.</summary>
    public readonly SuccessCount Answers = new(), Attempts = new();

    /// <summary>How often the next ejection's time counts: grows with each ejection, shrinks with each quiet interval.</summary>
    public int Backoff;

    public long EjectedAt, JitterMs;

    public void ForgetConsecutive()
    {
        Volatile.Write(ref Consecutive5xx, 0);
        Volatile.Write(ref ConsecutiveGateway, 0);
        Volatile.Write(ref ConsecutiveLocal, 0);
    }
}

/// <summary>Successes among all of an interval. Any thread.</summary>
internal sealed class SuccessCount
{
    private int _all, _good;

    public void Add(bool good)
    {
        Interlocked.Increment(ref _all);
        if (good) Interlocked.Increment(ref _good);
    }

    /// <summary>The counts since the last call.</summary>
    public (int All, int Good) Take()
    {
        var good = Interlocked.Exchange(ref _good, 0);
        var all = Interlocked.Exchange(ref _all, 0);
        return (Math.Max(all, good), good);
    }
}
