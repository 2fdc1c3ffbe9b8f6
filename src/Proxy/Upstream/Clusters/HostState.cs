using System.Collections.Concurrent;
using System.Text;
using Lateen.Proxy.Network;
using Lateen.Proxy.Upstream.Outliers;
using Lateen.Proxy.Upstream.Pools;

namespace Lateen.Proxy.Upstream.Clusters;

/// <summary>What stands against a host. Names and order are those of Envoy's /clusters page.</summary>
[Flags]
internal enum HostFlags
{
    None = 0,
    FailedActiveCheck = 1,
    FailedOutlierCheck = 2,
    FailedEds = 4,
    DegradedByCheck = 8,
    DegradedByEds = 16,
    PendingRemoval = 32,
    PendingFirstCheck = 64,
    ExcludedByImmediateFailure = 128,
    CheckTimedOut = 256,
    Draining = 512,
}

/// <summary>
/// One upstream host: its address is its identity and survives endpoint updates with its connections and counters. Settings
/// are written by the configuration thread and read by workers; each worker has a pool of its own.
/// </summary>
internal sealed class HostState(SocketAddress address, string hostname, int workers)
{
    private const HostFlags Failed = HostFlags.FailedActiveCheck | HostFlags.FailedOutlierCheck | HostFlags.FailedEds;
    public static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>();
    private readonly HttpPool?[] _pools = new HttpPool?[workers];
    private readonly HttpPool?[] _http2Pools = new HttpPool?[workers];
    private int _flags;
    private volatile bool _isRemoved;
    private int _active;
    private ConcurrentDictionary<object, Action>? _connections;

    public SocketAddress Address { get; } = address;

    /// <summary>The address as logs show it.</summary>
    public string Text { get; } = address.ToString();

    /// <summary>Name that the host was found by, or empty.</summary>
    public string Hostname { get; } = hostname;

    /// <summary>Share of the load within its locality, at least 1.</summary>
    public int Weight { get; set; } = 1;

    /// <summary>Share of the load that its locality has; 0 for none said.</summary>
    public int LocalityWeight { get; set; }

    /// <summary>Who the endpoint is, as Istio's control plane says it; null when it does not.</summary>
    public string? IstioWorkload { get; set; }

    public string Region { get; set; } = "";

    public string Zone { get; set; } = "";

    public string SubZone { get; set; } = "";

    public int Priority { get; set; }

    /// <summary>The endpoint's metadata under envoy.lb, for subsets.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = NoLabels;

    /// <summary>The endpoint's metadata under envoy.transport_socket_match, which choose how it is connected to.</summary>
    public IReadOnlyDictionary<string, string> TransportLabels { get; set; } = NoLabels;

    /// <summary>What a hash balancer hashes instead of the address; empty for the address. Source: metadata envoy.lb, hash_key.</summary>
    public string HashKey => Labels.TryGetValue("hash_key", out var key) ? key : "";

    /// <summary>How its health checks differ from the cluster's; null when they do not.</summary>
    public EndpointCheck? Check { get; set; }

    /// <summary>Since when it takes requests without a break, in the workers' milliseconds: its slow start counts from here.</summary>
    public long InRotationSince { get; set; }

    public HostFlags Flags => (HostFlags)Volatile.Read(ref _flags);

    /// <summary>Neither the control plane nor a health check calls it unhealthy.</summary>
    public bool IsHealthy => (Flags & (HostFlags.FailedEds | HostFlags.FailedActiveCheck)) == 0;

    /// <summary>Outlier detection has put it aside.</summary>
    public bool IsEjected => (Flags & HostFlags.FailedOutlierCheck) != 0;

    public bool IsDegraded => (Flags & (HostFlags.DegradedByCheck | HostFlags.DegradedByEds)) != 0;

    /// <summary>It does not count at all: nobody knows yet whether it is healthy.</summary>
    public bool IsExcluded => (Flags & (HostFlags.PendingFirstCheck | HostFlags.ExcludedByImmediateFailure)) != 0;

    /// <summary>No longer part of its cluster: idle connections are closed, busy ones when they are done.</summary>
    public bool IsRemoved
    {
        get => _isRemoved;
        set => _isRemoved = value;
    }

    public bool IsUsable => (Flags & Failed) == 0;

    /// <summary>It was chosen since the last look for hosts that nobody uses.</summary>
    public bool WasUsed { get; set; }

    /// <summary>What outlier detection counts. Any thread.</summary>
    public OutlierState Outliers { get; } = new();

    /// <summary>Requests in flight on all workers. Any thread.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>The health that the control plane gave.</summary>
    public EndpointHealth Given { get; private set; }

    public void Began() => Interlocked.Increment(ref _active);

    public void Ended() => Interlocked.Decrement(ref _active);

    /// <summary>Sets or clears flags; true when that changed something. Any thread.</summary>
    public bool Mark(HostFlags flags, bool on)
    {
        var before = on ? Interlocked.Or(ref _flags, (int)flags) : Interlocked.And(ref _flags, ~(int)flags);
        return (before & (int)flags) != (on ? (int)flags : 0);
    }

    /// <summary>Takes over what the control plane says.</summary>
    public void Take(EndpointHealth health)
    {
        Given = health;
        Mark(HostFlags.FailedEds, health is EndpointHealth.Unhealthy or EndpointHealth.Draining or EndpointHealth.Timeout);
        Mark(HostFlags.Draining, health == EndpointHealth.Draining);
        Mark(HostFlags.DegradedByEds, health == EndpointHealth.Degraded);
    }

    /// <summary>The flags as /clusters shows them.</summary>
    public string FlagText()
    {
        var flags = Flags;
        if (flags == HostFlags.None) return "healthy";
        var text = new StringBuilder();
        foreach (var (flag, name) in Names)
            if ((flags & flag) != 0)
                text.Append('/').Append(name);
        return text.ToString();
    }

    /// <summary>The pool of a worker, made when first asked for. The worker's thread only.</summary>
    /// <param name="worker">The worker that asks.</param>
    /// <param name="cluster">The cluster whose settings hold.</param>
    /// <param name="isHttp2Client">The client of the request speaks HTTP/2, for clusters that follow it.</param>
    public HttpPool PoolOf(Workers.Worker worker, ClusterState cluster, bool isHttp2Client = false)
    {
        var isHttp2 = cluster.Snapshot.Protocol == UpstreamProtocol.Http2 || cluster.Snapshot.Protocol == UpstreamProtocol.Downstream && isHttp2Client;
        return isHttp2 ? _http2Pools[worker.Index] ??= new HttpPool(worker, this, cluster, isHttp2: true) : _pools[worker.Index] ??= new HttpPool(worker, this, cluster, isHttp2: false);
    }

    /// <summary>Lets every worker close its idle connections to the host. Any thread.</summary>
    public void CloseIdleConnections()
    {
        foreach (var pool in _pools) pool?.Worker.Post(pool.CloseIdle);
        foreach (var pool in _http2Pools) pool?.Worker.Post(pool.CloseIdle);
    }

    /// <summary>Tells a connection that is not pooled when the host turns out to be ill. Any thread; so is the call.</summary>
    public void Watch(object connection, Action onIll) =>
        (_connections ?? Interlocked.CompareExchange(ref _connections, new ConcurrentDictionary<object, Action>(), null) ?? _connections!)[connection] = onIll;

    public void Unwatch(object connection) => _connections?.TryRemove(connection, out _);

    /// <summary>Ends the connections to the host: it is ill. Any thread.</summary>
    public void CloseConnections()
    {
        CloseIdleConnections();
        if (_connections is not { } watched) return;
        foreach (var onIll in watched.Values) onIll();
    }

    private static readonly (HostFlags Flag, string Name)[] Names =
    [
        (HostFlags.FailedActiveCheck, "failed_active_hc"), (HostFlags.FailedOutlierCheck, "failed_outlier_check"), (HostFlags.FailedEds, "failed_eds_health"),
        (HostFlags.DegradedByCheck, "degraded_active_hc"), (HostFlags.DegradedByEds, "degraded_eds_health"), (HostFlags.PendingRemoval, "pending_dynamic_removal"),
        (HostFlags.PendingFirstCheck, "pending_active_hc"), (HostFlags.ExcludedByImmediateFailure, "excluded_via_immediate_hc_fail"),
        (HostFlags.CheckTimedOut, "active_hc_timeout"), (HostFlags.Draining, "eds_status_draining"),
    ];
}
