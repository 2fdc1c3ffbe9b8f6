using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Outliers;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Network.TcpProxy;

/// <summary>One connection's bytes to a cluster and back, half closes included. Owned by one worker. Source: Envoy's TCP proxy.</summary>
internal sealed class TcpProxyRun(DownstreamConnection connection, TcpFilterSnapshot settings, ReadBuffer input, ProxyContext context)
{
    private readonly StreamInfo _info = new();
    private readonly Worker _worker = connection.Stream.Worker;
    private ReadBuffer _input = input;
    private long _lastActivity;
    private SubsetCriteria? _criteria;
    private List<HostState>? _tried;

    public async Task RunAsync()
    {
        connection.Describe(_info);
        _info.IsTcp = true;
        settings.Stats.Add(_worker, TcpStats.CxTotal);
        ByteStream? upstream = null;
        ClusterState? cluster = null;
        try
        {
            _info.Cluster = Choose();
            cluster = context.Clusters.Current.Find(_info.Cluster);
            if (cluster is null)
            {
                settings.Stats.Add(_worker, TcpStats.CxNoRoute);
                _info.EndedBy(EndReason.ClusterNotFound);
                return;
            }
            upstream = await ConnectAsync(cluster);
            if (upstream is null) return;
            cluster.Stats.Add(_worker, ClusterStats.CxTotal);
            cluster.Stats.Add(_worker, ClusterStats.CxActive);
            _info.UpstreamHost!.Began();
            _info.UpstreamLocal = Interop.NativeSocket.LocalAddress(upstream.Fd);
            OutlierDetection.OnConnected(cluster, _info.UpstreamHost, _worker);
            if (cluster.Snapshot.CloseOnHealthFailure) _info.UpstreamHost.Watch(this, () => _worker.Post(() => Break(connection.Stream, upstream)));
            await BothWaysAsync(upstream);
        }
        finally
        {
            if (upstream is not null)
            {
                upstream.Close();
                _info.UpstreamHost!.Ended();
                _info.UpstreamHost.Unwatch(this);
                cluster!.End(BreakerKind.Connections);
                cluster.Stats.Add(_worker, ClusterStats.CxActive, -1);
                cluster.Stats.Add(_worker, ClusterStats.CxDestroy);
            }
            _input.Release();
            connection.Stream.Close();
            Log();
        }
    }

    private string Choose()
    {
        if (connection.Cluster is { } chosen) return chosen;
        if (settings.Clusters is [var (only, _)])
        {
            _criteria = settings.Criteria is [var own] ? own : null;
            return only;
        }
        var point = _worker.Random.Next(settings.Clusters.Sum(cluster => cluster.Weight));
        for (var i = 0; i < settings.Clusters.Length; i++)
        {
            var (name, weight) = settings.Clusters[i];
            if (point < weight)
            {
                _criteria = i < settings.Criteria.Length ? settings.Criteria[i] : null;
                return name;
            }
            point -= weight;
        }
        return settings.Clusters[^1].Cluster;
    }

    private LoadBalancerContext Context(int attempt) => new(settings.HashSource ? SourceHash() : null, connection.OriginalDestination, _tried)
    {
        ExtraPicks = attempt > 1 ? 5 : 0,
        Criteria = _criteria,
    };

    private ulong SourceHash()
    {
        Span<byte> text = stackalloc byte[64];
        return Hashing.Of(text[.._info.DownstreamRemote.Format(text, withPort: false)]);
    }

    private void OnTooOld(ByteStream upstream)
    {
        _info.Flags |= ResponseFlags.DurationTimeout;
        _info.ConnectionTermination = "max_connection_duration_reached";
        Break(connection.Stream, upstream);
    }

    private async Task<ByteStream?> ConnectAsync(ClusterState cluster)
    {
        for (var attempt = 1; attempt <= settings.MaxConnectAttempts; attempt++)
        {
            if (cluster.Pick(_worker, Context(attempt)) is not { } host)
            {
                _info.EndedBy(EndReason.NoHealthyUpstream);
                return null;
            }
            _info.UpstreamHost = host;
            if (settings.MaxConnectAttempts > 1) (_tried ??= []).Add(host);
            if (!cluster.TryBegin(BreakerKind.Connections))
            {
                cluster.Stats.Add(_worker, ClusterStats.CxOverflow);
                _info.EndedBy(EndReason.UpstreamOverflow);
                return null;
            }
            var wishes = new ConnectWishes(Source: _info.DownstreamRemote, Destination: connection.OriginalDestination);
            var connecting = new ConnectAttempt { Wishes = wishes };
            var (status, stream, _) = await TcpConnector.ConnectAsync(_worker, host, cluster.Snapshot, connecting);
            if (stream is not null)
            {
                _info.UpstreamTls = stream.Tls;
                return stream;
            }
            cluster.End(BreakerKind.Connections);
            cluster.Stats.Add(_worker, status == AcquireStatus.ConnectTimeout ? ClusterStats.CxConnectTimeout : ClusterStats.CxConnectFail);
            _info.TransportFailure = connecting.Failure;
            OutlierDetection.OnFailure(cluster, host, 503, _worker);
        }
        _info.EndedBy(EndReason.ConnectFailure);
        return null;
    }

    private async Task BothWaysAsync(ByteStream upstream)
    {
        _lastActivity = _worker.Now;
        var idle = settings.IdleTimeoutMs > 0 ? new IdleWatch(this, upstream) : null;
        if (idle is not null) _worker.StartTimer(idle, settings.IdleTimeoutMs);
        var life = settings.MaxDurationMs > 0 ? new ActionTimer(() => OnTooOld(upstream)) : null;
        if (life is not null) _worker.StartTimer(life, settings.MaxDurationMs);
        var toUpstream = PumpAsync(connection.Stream, upstream, true, _input);
        _input = new ReadBuffer(_worker.Buffers);
        await PumpAsync(upstream, connection.Stream, false, new ReadBuffer(_worker.Buffers));
        await toUpstream;
        if (idle is not null) _worker.StopTimer(idle);
        if (life is not null) _worker.StopTimer(life);
    }

    /// <summary>One direction: until its sender is done, then passes the end on. A broken side ends both directions.</summary>
    private async Task PumpAsync(ByteStream from, ByteStream to, bool up, ReadBuffer buffer)
    {
        // What the client sends waits for the chain's filters; what the upstream says first does not.
        var admitted = !up || connection.Chain!.Before.Length == 0;
        try
        {
            for (var turns = 1; ; turns++)
            {
                if (!admitted && buffer.Length > 0 && !(admitted = await connection.AdmitAsync(_info)))
                {
                    Break(from, to);
                    return;
                }
                while (buffer.Length > 0)
                {
                    var status = to.TrySend(buffer.Span, out var sent);
                    if (status == IoStatus.Ok)
                    {
                        buffer.Consume(sent);
                        _lastActivity = _worker.Now;
                    }
                    else if (status != IoStatus.WouldBlock || !await to.WritableAsync())
                    {
                        Break(from, to);
                        return;
                    }
                }
                switch (from.TryReceive(buffer.Space(), out var received))
                {
                    case IoStatus.Ok:
                        buffer.Added(received);
                        _lastActivity = _worker.Now;
                        Count(up, received);
                        break;
                    case IoStatus.End when !admitted && !await connection.AdmitAsync(_info):
                        Break(from, to);
                        return;
                    case IoStatus.End:
                        to.ShutdownSending();
                        return;
                    case IoStatus.Failed:
                        Break(from, to);
                        return;
                    default:
                        buffer.ReleaseIfEmpty();
                        if (await from.ReadableAsync()) break;
                        return;
                }
                if (turns % 16 == 0) await _worker.Yield();
            }
        }
        finally
        {
            buffer.Release();
        }
    }

    private static void Break(ByteStream from, ByteStream to)
    {
        from.Close();
        to.Close();
    }

    private void Count(bool up, int bytes)
    {
        if (up) _info.BytesReceived += bytes;
        else _info.BytesSent += bytes;
        settings.Stats.Add(_worker, up ? TcpStats.RxBytes : TcpStats.TxBytes, bytes);
    }

    private void Log()
    {
        _info.End = _worker.Now;
        _info.ClusterFacts = context.Clusters.Current.Find(_info.Cluster)?.Snapshot.IstioMetadata;
        foreach (var filter in connection.Chain!.Before) filter.OnEnd(connection, _info);
        if (settings.AccessLogs.Length == 0) return;
        var (none, scratch) = (new HeaderMap(), new ByteBuilder());
        foreach (var log in settings.AccessLogs) log.Write(new FormatContext(_info, none, none), scratch);
    }

    private sealed class IdleWatch(TcpProxyRun run, ByteStream upstream) : WorkerTimer
    {
        protected internal override void OnFired()
        {
            var left = run._lastActivity + run.IdleTimeoutMs - run._worker.Now;
            if (left > 0)
            {
                run._worker.StartTimer(this, left);
                return;
            }
            run.OnIdle(upstream);
        }
    }

    private long IdleTimeoutMs => settings.IdleTimeoutMs;

    private void OnIdle(ByteStream upstream)
    {
        settings.Stats.Add(_worker, TcpStats.IdleTimeout);
        _info.Flags |= ResponseFlags.StreamIdleTimeout;
        Break(connection.Stream, upstream);
    }
}
