using System.Runtime.CompilerServices;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Pools;

/// <summary>How an attempt to get a connection ended.</summary>
internal enum AcquireStatus
{
    Ok,
    Overflow,
    ConnectFailure,
    ConnectTimeout,
    Aborted,
}

/// <summary>
/// HTTP/1 connections of one worker to one host. The one that was used last is used first, so that the rest may grow old and
/// go. Owned by one worker.
/// </summary>
internal sealed class HttpPool(Worker worker, HostState host, ClusterState cluster)
{
    private readonly Stack<Http1ClientConnection> _idle = new();

    public Worker Worker => worker;

    public HostState Host => host;

    public ClusterState Cluster => cluster;

    /// <summary>An idle connection that is still open, or null.</summary>
    public Http1ClientConnection? TryTakeIdle()
    {
        while (_idle.TryPop(out var connection))
            if (connection.Reuse())
                return connection;
        return null;
    }

    /// <summary>
    /// Makes a connection. While it is being made, <paramref name="attempt"/> can abort it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(AcquireStatus Status, Http1ClientConnection? Connection, int Error)> ConnectAsync(ConnectAttempt attempt)
    {
        var stats = cluster.Stats;
        if (!cluster.TryBegin(BreakerKind.Connections))
        {
            stats.Add(worker, ClusterStats.CxOverflow);
            return (AcquireStatus.Overflow, null, 0);
        }
        var (status, stream, error) = await TcpConnector.ConnectAsync(worker, host, cluster.Snapshot, attempt);
        if (stream is null)
        {
            cluster.End(BreakerKind.Connections);
            if (status != AcquireStatus.Aborted) stats.Add(worker, status == AcquireStatus.ConnectTimeout ? ClusterStats.CxConnectTimeout : ClusterStats.CxConnectFail);
            return (status, null, error);
        }
        stats.Add(worker, ClusterStats.CxTotal);
        stats.Add(worker, ClusterStats.CxHttp1Total);
        stats.Add(worker, ClusterStats.CxActive);
        return (AcquireStatus.Ok, new Http1ClientConnection(this, stream), 0);
    }

    /// <summary>Takes back a connection whose exchange is over and clean.</summary>
    public void Return(Http1ClientConnection connection)
    {
        var snapshot = cluster.Snapshot;
        if (host.IsRemoved || snapshot.MaxRequestsPerConnection > 0 && connection.Requests >= snapshot.MaxRequestsPerConnection)
        {
            if (!host.IsRemoved) cluster.Stats.Add(worker, ClusterStats.CxMaxRequests);
            connection.Close();
            return;
        }
        _idle.Push(connection);
        connection.Idle(snapshot.IdleTimeoutMs);
    }

    /// <summary>A connection is gone.</summary>
    public void Closed(bool byPeer)
    {
        cluster.End(BreakerKind.Connections);
        cluster.Stats.Add(worker, ClusterStats.CxActive, -1);
        cluster.Stats.Add(worker, ClusterStats.CxDestroy);
        if (byPeer) cluster.Stats.Add(worker, ClusterStats.CxDestroyRemote);
    }

    /// <summary>Closes what is idle: the host is gone.</summary>
    public void CloseIdle()
    {
        while (_idle.TryPop(out var connection)) connection.Close();
    }
}

/// <summary>A connection in the making, for the one who may abort it. Owned by one worker.</summary>
internal sealed class ConnectAttempt
{
    public ByteStream? Stream;
    public bool TimedOut;

    /// <summary>Why the last attempt failed, for logs and clients.</summary>
    public string Failure = "";

    /// <summary>What the client's request asks of the connection.</summary>
    public ConnectWishes Wishes;

    public void Abort() => Stream?.Abort();
}
