using System.Runtime.CompilerServices;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Http2;
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
/// Connections of one worker to one host. Of HTTP/1 connections, the one that was used last is used first, so that the rest may grow
/// old and go; HTTP/2 connections take as many requests as both sides allow, and one more is made only when none has room. Owned by one
/// worker.
/// </summary>
internal sealed class HttpPool(Worker worker, HostState host, ClusterState cluster, bool isHttp2)
{
    private readonly Stack<Http1ClientConnection> _idle = new();
    private readonly List<Http2ClientConnection> _shared = [];
    private readonly Queue<ConnectAttempt> _waiting = new();
    private int _making;

    public Worker Worker => worker;

    public HostState Host => host;

    public ClusterState Cluster => cluster;

    /// <summary>Room on a connection that is there, or null.</summary>
    public UpstreamStream? TryTakeIdle()
    {
        if (TryShare() is { } stream) return stream;
        while (_idle.TryPop(out var connection))
            if (connection.Reuse())
                return connection;
        return null;
    }

    /// <summary>
    /// Makes a connection, or waits for one that is being made and can be shared. Meanwhile, <paramref name="attempt"/> can abort it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(AcquireStatus Status, UpstreamStream? Connection, int Error)> ConnectAsync(ConnectAttempt attempt)
    {
        while (true)
        {
            if (_making > 0 && MayShare)
            {
                if (await WaitAsync(attempt) is var (failed, code) && failed != AcquireStatus.Ok) return (failed, null, code);
            }
            else if (cluster.TryBegin(BreakerKind.Connections)) return await MakeAsync(attempt);
            else
            {
                cluster.Stats.Add(worker, ClusterStats.CxOverflow);
                // Requests on a shared connection end soon enough to wait for.
                if (_shared.Count == 0) return (AcquireStatus.Overflow, null, 0);
                if (await WaitAsync(attempt) is var (failed, code) && failed != AcquireStatus.Ok) return (failed, null, code);
            }
            if (TryShare() is { } stream) return (AcquireStatus.Ok, stream, 0);
        }
    }

    /// <summary>Takes back a connection whose exchange is over and clean.</summary>
    public void Return(Http1ClientConnection connection)
    {
        var snapshot = cluster.Snapshot;
        if (host.IsRemoved || snapshot.Transports.IsPerClient || snapshot.MaxRequestsPerConnection > 0 && connection.Requests >= snapshot.MaxRequestsPerConnection)
        {
            if (!host.IsRemoved && !snapshot.Transports.IsPerClient) cluster.Stats.Add(worker, ClusterStats.CxMaxRequests);
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
        // One more may make a connection now.
        if (_making == 0) Wake(Room + 1, AcquireStatus.Ok, 0);
    }

    /// <summary>A shared connection is gone.</summary>
    public void Closed(Http2ClientConnection connection, bool byPeer)
    {
        _shared.Remove(connection);
        Closed(byPeer);
    }

    /// <summary>Those who wait may look again.</summary>
    public void OnRoom()
    {
        if (_making == 0 && _waiting.Count > 0) Wake(Room, AcquireStatus.Ok, 0);
    }

    /// <summary>Closes what is idle, and the rest as soon as it is: the host is gone.</summary>
    public void CloseIdle()
    {
        while (_idle.TryPop(out var connection)) connection.Close();
        foreach (var connection in _shared.ToArray()) connection.StopTaking();
    }

    private bool MayShare => !cluster.Snapshot.Transports.IsPerClient && (isHttp2 || cluster.Snapshot.Protocol == UpstreamProtocol.Negotiated && _shared.Count > 0);

    private int Room
    {
        get
        {
            var room = 0;
            foreach (var connection in _shared) room += connection.Room;
            return room;
        }
    }

    private Http2ClientStream? TryShare()
    {
        foreach (var connection in _shared)
            if (connection.HasRoom)
                return connection.Attach();
        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(AcquireStatus Status, UpstreamStream? Connection, int Error)> MakeAsync(ConnectAttempt attempt)
    {
        var stats = cluster.Stats;
        _making++;
        var (status, stream, error) = await TcpConnector.ConnectAsync(worker, host, cluster.Snapshot, attempt);
        _making--;
        if (stream is null)
        {
            cluster.End(BreakerKind.Connections);
            if (status != AcquireStatus.Aborted) stats.Add(worker, status == AcquireStatus.ConnectTimeout ? ClusterStats.CxConnectTimeout : ClusterStats.CxConnectFail);
            // Who gave up spoils it for himself alone: the next one tries.
            if (status == AcquireStatus.Aborted) Wake(1, AcquireStatus.Ok, 0);
            else Wake(int.MaxValue, status, error, attempt.Failure);
            return (status, null, error);
        }
        stats.Add(worker, ClusterStats.CxTotal);
        stats.Add(worker, ClusterStats.CxActive);
        if (!isHttp2 && !(cluster.Snapshot.Protocol == UpstreamProtocol.Negotiated && stream.NegotiatedProtocol == "h2"))
        {
            stats.Add(worker, ClusterStats.CxHttp1Total);
            return (AcquireStatus.Ok, new Http1ClientConnection(this, stream), 0);
        }
        stats.Add(worker, ClusterStats.CxHttp2Total);
        var connection = new Http2ClientConnection(this, stream, cluster.Snapshot.Http2, cluster.Http2Stats, cluster.Http2StockOf(worker));
        _shared.Add(connection);
        connection.Start();
        var first = connection.Attach();
        if (cluster.Snapshot.Transports.IsPerClient) connection.StopTaking();
        // Those for whom there is no room make the next connection, one of them at first.
        Wake(Room + 1, AcquireStatus.Ok, 0);
        return (AcquireStatus.Ok, first, 0);
    }

    private async ValueTask<(AcquireStatus Status, int Error)> WaitAsync(ConnectAttempt attempt)
    {
        if (!cluster.TryBegin(BreakerKind.Pending))
        {
            cluster.Stats.Add(worker, ClusterStats.RqPendingOverflow);
            return (AcquireStatus.Overflow, 0);
        }
        cluster.Stats.Add(worker, ClusterStats.RqPendingTotal);
        cluster.Stats.Add(worker, ClusterStats.RqPendingActive);
        _waiting.Enqueue(attempt);
        attempt.Outcome = (AcquireStatus.Ok, 0);
        var isWoken = await attempt.Waiting.Wait();
        cluster.Stats.Add(worker, ClusterStats.RqPendingActive, -1);
        cluster.End(BreakerKind.Pending);
        return isWoken ? attempt.Outcome : (AcquireStatus.Aborted, 0);
    }

    /// <summary>Lets those go on who wait now; each looks for itself and waits again when there is no room.</summary>
    private void Wake(int count, AcquireStatus status, int error, string failure = "")
    {
        while (count > 0 && _waiting.TryDequeue(out var attempt))
        {
            (attempt.Outcome, attempt.Failure) = ((status, error), failure);
            // One that was aborted meanwhile takes nobody's turn.
            if (attempt.Waiting.Complete(true)) count--;
        }
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

    /// <summary>What became of the connection that was waited for.</summary>
    public (AcquireStatus Status, int Error) Outcome;

    /// <summary>The wait for somebody else's connection.</summary>
    public Signal Waiting { get; } = new();

    public void Abort()
    {
        Stream?.Abort();
        Waiting.Complete(false);
    }
}
