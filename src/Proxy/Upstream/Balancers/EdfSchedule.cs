namespace Lateen.Proxy.Upstream.Balancers;

/// <summary>
/// Earliest deadline first: each entry comes up again after a time that is the inverse of its weight, so that every stretch of
/// picks follows the weights. Source: Envoy, EdfScheduler. Owned by one worker.
/// </summary>
internal sealed class EdfSchedule
{
    private readonly PriorityQueue<int, (double Deadline, long Order)> _queue;
    private double _now;
    private long _order;

    /// <param name="count">Entries, by index.</param>
    /// <param name="weightOf">Weight of an entry, above 0.</param>
    /// <param name="skip">Picks to leave out at the start, so that workers do not march in step.</param>
    public EdfSchedule(int count, Func<int, double> weightOf, int skip)
    {
        _queue = new PriorityQueue<int, (double, long)>(count);
        for (var i = 0; i < count; i++)
            if (weightOf(i) is var weight and > 0)
                _queue.Enqueue(i, (1 / weight, _order++));
        while (skip-- > 0) Next(weightOf);
    }

    /// <summary>The next entry, or -1 when there is none; its weight is asked for anew.</summary>
    public int Next(Func<int, double> weightOf)
    {
        if (!_queue.TryDequeue(out var entry, out var place)) return -1;
        _now = place.Deadline;
        _queue.Enqueue(entry, (_now + 1 / Math.Max(weightOf(entry), 1e-9), _order++));
        return entry;
    }
}
