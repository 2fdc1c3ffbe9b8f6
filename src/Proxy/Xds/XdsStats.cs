using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Xds;

/// <summary>What became of updates, under Envoy's names. Any thread.</summary>
internal sealed class XdsStats(StatsStore stats)
{
    private static readonly StatField[] ClusterFields =
        [new("cds.update_attempt"), new("cds.update_success"), new("cds.update_rejected"), new("active_clusters", StatKind.Gauge), new("warming_clusters", StatKind.Gauge)];

    private static readonly StatField[] ListenerFields =
    [
        new("lds.update_attempt"), new("lds.update_success"), new("lds.update_rejected"), new("total_listeners_active", StatKind.Gauge),
        new("total_listeners_warming", StatKind.Gauge), new("workers_started", StatKind.Gauge),
    ];

    private readonly StatGroup _clusters = stats.Group("cluster_manager.", (prefix, workers) => new StatGroup(prefix, ClusterFields, workers));
    private readonly StatGroup _listeners = stats.Group("listener_manager.", (prefix, workers) => new StatGroup(prefix, ListenerFields, workers));

    /// <summary>An update of a type was taken whole, or refused in part.</summary>
    public void Updated(string type, bool isWhole)
    {
        var group = type switch
        {
            "Cluster" => _clusters,
            "Listener" => _listeners,
            _ => null,
        };
        group?.AddShared(0);
        group?.AddShared(isWhole ? 1 : 2);
    }

    public void Set(DumpedResource[] clusters, DumpedResource[] listeners)
    {
        _clusters.SetShared(3, clusters.Count(cluster => cluster.IsActive));
        _clusters.SetShared(4, clusters.Count(cluster => !cluster.IsActive));
        _listeners.SetShared(3, listeners.Count(listener => listener.IsActive));
        _listeners.SetShared(4, listeners.Count(listener => !listener.IsActive));
        _listeners.SetShared(5, 1);
    }
}
