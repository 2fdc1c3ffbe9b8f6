using Lateen.Foundation.Snapshots;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy;

/// <summary>All clusters by name. Immutable; replaced whole.</summary>
internal sealed class ClusterMap(Dictionary<string, ClusterState> clusters)
{
    public static readonly ClusterMap Empty = new([]);

    public IReadOnlyCollection<ClusterState> All => clusters.Values;

    public ClusterState? Find(string name) => clusters.GetValueOrDefault(name);
}

/// <summary>What every part of one proxy shares. Any thread.</summary>
internal sealed class ProxyContext(StatsStore stats, ILoggerFactory logs)
{
    private long _connectionId;

    public StatsStore Stats { get; } = stats;

    public ILogger Log { get; } = logs.CreateLogger("default");

    /// <summary>The bootstrap's node.</summary>
    public Envoy.Config.Core.V3.Node Node { get; init; } = new();

    public Published<ClusterMap> Clusters { get; } = new(ClusterMap.Empty);

    /// <summary>The process is draining: connections close when their request is done.</summary>
    public bool Draining { get; set; }

    public ulong NextConnectionId() => (ulong)Interlocked.Increment(ref _connectionId);
}
