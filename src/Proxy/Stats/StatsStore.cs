using System.Collections.Concurrent;

namespace Lateen.Proxy.Stats;

/// <summary>All groups of a proxy, by prefix. A group that is asked for again is the same one, so that counts survive updates. Any thread.</summary>
internal sealed class StatsStore(int workers)
{
    private readonly ConcurrentDictionary<string, StatGroup> _groups = new(StringComparer.Ordinal);

    /// <summary>Number of workers that count.</summary>
    public int Workers => workers;

    public IEnumerable<StatGroup> Groups => _groups.Values.OrderBy(group => group.Prefix, StringComparer.Ordinal);

    public T Group<T>(string prefix, Func<string, int, T> create)
        where T : StatGroup => (T)_groups.GetOrAdd(prefix, static (key, made) => made.create(key, made.workers), (create, workers));

    /// <summary>Forgets a group whose subject is gone.</summary>
    public void Remove(string prefix) => _groups.TryRemove(prefix, out _);

    public void ResetCounters()
    {
        foreach (var group in _groups.Values) group.ResetCounters();
    }
}
