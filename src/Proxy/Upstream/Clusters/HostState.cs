using Lateen.Proxy.Network;
using Lateen.Proxy.Upstream.Pools;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>
/// One upstream host: its address is its identity and survives endpoint updates with its connections and counters. Settings
/// are written by the configuration thread and read by workers; each worker has a pool of its own.
/// </summary>
internal sealed class HostState(SocketAddress address, string hostname, int workers)
{
    private readonly HttpPool?[] _pools = new HttpPool?[workers];
    private volatile bool _isHealthy = true;
    private volatile bool _isEjected;
    private volatile bool _isRemoved;

    public SocketAddress Address { get; } = address;

    /// <summary>The address as logs show it.</summary>
    public string Text { get; } = address.ToString();

    /// <summary>Name that the host was found by, or empty.</summary>
    public string Hostname { get; } = hostname;

    /// <summary>Share of the load within its locality, at least 1.</summary>
    public int Weight { get; set; } = 1;

    public string Region { get; set; } = "";

    public string Zone { get; set; } = "";

    public string SubZone { get; set; } = "";

    public int Priority { get; set; }

    /// <summary>The endpoint's metadata under envoy.lb, for subsets.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();

    /// <summary>What the control plane and the health checks say.</summary>
    public bool IsHealthy
    {
        get => _isHealthy;
        set => _isHealthy = value;
    }

    /// <summary>Outlier detection has put it aside.</summary>
    public bool IsEjected
    {
        get => _isEjected;
        set => _isEjected = value;
    }

    /// <summary>No longer part of its cluster: idle connections are closed, busy ones when they are done.</summary>
    public bool IsRemoved
    {
        get => _isRemoved;
        set => _isRemoved = value;
    }

    public bool IsUsable => _isHealthy && !_isEjected;

    /// <summary>Consecutive failures, as outlier detection counts them. Any thread.</summary>
    public OutlierState Outliers { get; } = new();

    /// <summary>Requests in flight on all workers. Any thread.</summary>
    public int Active => Volatile.Read(ref _active);

    private int _active;

    public void Began() => Interlocked.Increment(ref _active);

    public void Ended() => Interlocked.Decrement(ref _active);

    /// <summary>The pool of a worker, made when first asked for. The worker's thread only.</summary>
    public HttpPool PoolOf(Workers.Worker worker, ClusterState cluster) => _pools[worker.Index] ??= new HttpPool(worker, this, cluster);

    /// <summary>The pool of a worker if it has one.</summary>
    public HttpPool? ExistingPool(Workers.Worker worker) => _pools[worker.Index];
}

/// <summary>Counts of one host for outlier detection. Any thread.</summary>
internal sealed class OutlierState
{
    public int Consecutive5xx, ConsecutiveGateway, Ejections;
    public long EjectedAt;
}
