using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream;

/// <summary>
/// A request of the proxy's own while it runs: its host, its place under the cluster's breakers, its timer and its stream, whatever
/// protocol and transport the cluster has. It ends by exactly one <see cref="Finish"/>. Owned by one worker.
/// </summary>
internal sealed class CallRun : WorkerTimer
{
    private readonly ConnectAttempt _connecting = new();
    private readonly ClusterState _cluster;
    private readonly HostState _host;
    private readonly long _start;
    private bool _isOver;

    private CallRun(Worker worker, ClusterState cluster, HostState host) => (Worker, _cluster, _host, _start) = (worker, cluster, host, worker.Now);

    public Worker Worker { get; }

    /// <summary>Null before <see cref="ConnectAsync"/> and after the end.</summary>
    public UpstreamStream? Stream { get; private set; }

    /// <summary>The timer has ended every wait.</summary>
    public bool TimedOut { get; private set; }

    /// <summary>It was ended from outside.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>Chooses a host and counts the request. The timeout, 0 for none, is for all of it.</summary>
    public static CallStatus TryBegin(ProxyContext context, Worker worker, string cluster, long timeoutMs, out CallRun? run)
    {
        run = null;
        if (context.Clusters.Current.Find(cluster) is not { } target) return CallStatus.NoCluster;
        if (target.Pick(worker, new LoadBalancerContext(null, default, null)) is not { } host)
        {
            target.Stats.Add(worker, ClusterStats.CxNoneHealthy);
            return CallStatus.NoHost;
        }
        if (!target.TryBegin(BreakerKind.Requests))
        {
            target.Stats.Add(worker, ClusterStats.RqPendingOverflow);
            return CallStatus.Overflow;
        }
        target.Stats.Add(worker, ClusterStats.RqTotal);
        target.Stats.Add(worker, ClusterStats.RqActive);
        host.Began();
        run = new CallRun(worker, target, host);
        if (timeoutMs > 0) worker.StartTimer(run, timeoutMs);
        return CallStatus.Ok;
    }

    /// <summary>A stream to the host, from the worker's own pool; null when there is none.</summary>
    public async ValueTask<UpstreamStream?> ConnectAsync()
    {
        var pool = _host.PoolOf(Worker, _cluster);
        var stream = pool.TryTakeIdle() ?? (await pool.ConnectAsync(_connecting)).Connection;
        if (stream is not null && (TimedOut || IsAborted))
        {
            stream.Close();
            return null;
        }
        return Stream = stream;
    }

    /// <summary>The head of the answer is there.</summary>
    public void Answered(int code) => _cluster.Stats.Add(Worker, ClusterStats.ClassOf(code));

    /// <summary>Moves the timer, or stops it.</summary>
    /// <param name="timeoutMs">Milliseconds from now; 0 for no more timer.</param>
    public void LimitTo(long timeoutMs)
    {
        if (_isOver) return;
        if (timeoutMs > 0) Worker.StartTimer(this, timeoutMs);
        else Worker.StopTimer(this);
    }

    /// <summary>Ends every wait of the call: nobody wants the answer any more.</summary>
    public void Abort()
    {
        IsAborted = true;
        _connecting.Abort();
        Stream?.Abort();
    }

    /// <summary>Gives the stream back when its exchange was whole, else ends it; counts. Calls after the first do nothing.</summary>
    public void Finish(bool whole)
    {
        if (_isOver) return;
        _isOver = true;
        Worker.StopTimer(this);
        var stream = Stream;
        Stream = null;
        if (whole && !TimedOut && !IsAborted) stream?.Release(requestComplete: true);
        else
        {
            stream?.Abort();
            stream?.Close();
        }
        _host.Ended();
        _cluster.End(BreakerKind.Requests);
        var stats = _cluster.Stats;
        stats.Add(Worker, ClusterStats.RqActive, -1);
        if (TimedOut) stats.Add(Worker, ClusterStats.RqTimeout);
        else if (whole)
        {
            stats.Add(Worker, ClusterStats.RqCompleted);
            stats.Observe(Worker, ClusterStats.RqTime, Worker.Now - _start);
        }
    }

    protected internal override void OnFired()
    {
        TimedOut = true;
        _connecting.Abort();
        Stream?.Abort();
    }
}
