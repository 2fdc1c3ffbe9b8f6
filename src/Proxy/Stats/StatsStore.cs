using System.Collections.Concurrent;
using System.Text;
using Envoy.Config.Metrics.V3;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Stats;

/// <summary>All groups of a proxy, by prefix. A group that is asked for again is the same one, so that counts survive updates. Any thread.</summary>
internal sealed class StatsStore
{
    private readonly ConcurrentDictionary<string, StatGroup> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<long>> _computed = new(StringComparer.Ordinal);
    private readonly Func<string, bool> _isShown;
    private readonly (StringMatch Match, double[] Bounds)[] _bounds;

    /// <param name="workers">Number of workers that count.</param>
    /// <param name="config">stats_config of the bootstrap.</param>
    /// <exception cref="Compile.ConfigRefusedException">The configuration cannot be honoured.</exception>
    public StatsStore(int workers, StatsConfig? config = null)
    {
        Workers = workers;
        Tags = new StatTags(config);
        _isShown = Filter(config?.StatsMatcher);
        _bounds = [.. (config?.HistogramBucketSettings ?? []).Select((setting, i) => (StringMatch.From(setting.Match, $"stats_config.histogram_bucket_settings[{i}].match"), setting.Buckets.ToArray()))];
        Labeled = new LabeledStats(workers, BoundsOf);
    }

    /// <summary>Number of workers that count.</summary>
    public int Workers { get; }

    public StatTags Tags { get; }

    /// <summary>Metrics with labels from traffic.</summary>
    public LabeledStats Labeled { get; }

    public IEnumerable<StatGroup> Groups => _groups.Values.OrderBy(group => group.Prefix, StringComparer.Ordinal);

    /// <summary>Gauges that are computed when they are read.</summary>
    public IEnumerable<KeyValuePair<string, Func<long>>> Computed => _computed;

    public T Group<T>(string prefix, Func<string, int, T> create)
        where T : StatGroup => (T)_groups.GetOrAdd(prefix, static (key, made) =>
        {
            var group = made.create(key, made.self.Workers);
            if (made.self._bounds.Length > 0) group.UseBounds(made.self.BoundsOf);
            return group;
        }, (create, self: this));

    public void Compute(string name, Func<long> value) => _computed[name] = value;

    /// <summary>Whether stats_config.stats_matcher lets a statistic be seen.</summary>
    public bool IsShown(string name) => _isShown(name);

    /// <summary>Forgets a group whose subject is gone.</summary>
    public void Remove(string prefix) => _groups.TryRemove(prefix, out _);

    public void ResetCounters()
    {
        foreach (var group in _groups.Values) group.ResetCounters();
        Labeled.ResetCounters();
    }

    private double[] BoundsOf(string name)
    {
        foreach (var (match, bounds) in _bounds)
            if (match.IsMatch(Encoding.UTF8.GetBytes(name)))
                return bounds;
        return StatGroup.Bounds;
    }

    private static Func<string, bool> Filter(StatsMatcher? matcher)
    {
        if (matcher is null || matcher.StatsMatcherCase == StatsMatcher.StatsMatcherOneofCase.None) return _ => true;
        if (matcher.StatsMatcherCase == StatsMatcher.StatsMatcherOneofCase.RejectAll) return _ => !matcher.RejectAll;
        var isInclusion = matcher.StatsMatcherCase == StatsMatcher.StatsMatcherOneofCase.InclusionList;
        var list = isInclusion ? matcher.InclusionList : matcher.ExclusionList;
        var patterns = list.Patterns.Select((pattern, i) => StringMatch.From(pattern, $"stats_config.stats_matcher.patterns[{i}]")).ToArray();
        var known = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        return name => known.GetOrAdd(name, text => patterns.Any(pattern => pattern.IsMatch(Encoding.UTF8.GetBytes(text))) == isInclusion);
    }
}
