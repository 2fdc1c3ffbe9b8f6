using System.Globalization;
using System.Runtime.CompilerServices;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Outliers;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>
/// Sends one request to its cluster, again when its retry policy says so, and brings the response back. Reused; owned by one
/// worker.
/// </summary>
internal sealed class RouterRun
{
    private readonly HttpExchange _exchange;
    private readonly ConnectAttempt _connecting = new();
    private readonly TimeoutTimer _routeTimer;
    private readonly TimeoutTimer _tryTimer;
    private readonly Delay _backOff = new();
    private readonly RequestBody _body;
    private readonly RetryPlan _plan = new();
    private UpstreamStream? _connection;
    private EndReason _timedOut;
    private readonly Action _onRequestSent;
    private RouteEntry? _route;

    public RouterRun(HttpExchange exchange)
    {
        _exchange = exchange;
        _routeTimer = new TimeoutTimer(this, EndReason.ResponseTimeout);
        _tryTimer = new TimeoutTimer(this, EndReason.PerTryTimeout);
        _body = new RequestBody(exchange);
        _onRequestSent = () => StartRouteTimer(_route!);
    }

    private Worker Worker => _exchange.Worker;

    /// <summary>
    /// 1. find the cluster; 2. write the request for it; 3. try, and try again; 4. send the response or say why there is none.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RunAsync(RouteEntry route)
    {
        // 1
        var (name, weighted) = (_exchange.ClusterName, _exchange.Weighted);
        var cluster = name is null ? null : _exchange.Context.Clusters.Current.Find(name);
        if (cluster is null)
        {
            _exchange.Hcm.Stats.Add(Worker, HttpStats.NoCluster);
            await _exchange.ReplyAsync(EndReason.ClusterNotFound, route.ClusterNotFoundStatus);
            return;
        }

        _exchange.Info.Cluster = cluster.Snapshot.Name;

        // 2
        var hash = RequestHash.Of(route, _exchange);
        _plan.Begin(route, weighted, _exchange.Request);
        _plan.TellTimeout(_exchange.Request, 0, !_exchange.Hcm.SuppressEnvoyHeaders);
        RequestRewriting.Apply(route, weighted, _exchange);
        _route = route;
        _timedOut = EndReason.None;
        _body.Begin(_exchange.Bodies.RequestKind, _plan.MayRetry ? route.RetryBufferLimit : 0);
        _body.Copies = Mirroring.Send(route, _exchange);
        if (_body.IsComplete) StartRouteTimer(route);

        // 3
        try
        {
            var outcome = await TryAllAsync(route, cluster, hash);

            // 4
            if (outcome == EndReason.None) await ForwardAsync(route, weighted, cluster);
            else await FailAsync(outcome);
        }
        finally
        {
            Worker.StopTimer(_routeTimer);
            Worker.StopTimer(_tryTimer);
            _plan.EndRetry();
            if (_connection is { } left)
            {
                left.Close();
                LeaveHost(cluster);
            }
            _body.End();
        }
    }

    /// <summary>The exchange was cut short: every wait on the upstream returns.</summary>
    public void Abort()
    {
        _connecting.Abort();
        _connection?.Abort();
        _exchange.Bodies.Abort();
        _backOff.Cancel(Worker);
    }

    /// <summary>Attempts until one brings a response that is not to be retried; none when the head of a response is there.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EndReason> TryAllAsync(RouteEntry route, ClusterState cluster, ulong? hash)
    {
        var info = _exchange.Info;
        for (var attempt = 1; ; attempt++)
        {
            info.Attempts = attempt;
            if (route.IncludeAttemptCount) SetNumber(KnownHeader.EnvoyAttemptCount, attempt);
            var outcome = await TryOnceAsync(route, cluster, hash);
            if (_exchange.Cut != EndReason.None) return _exchange.Cut;
            if (_timedOut == EndReason.ResponseTimeout) return _timedOut;
            if (!_body.CanReplay || !_plan.TryAgain(outcome, _exchange, _connection, cluster, Worker)) return outcome;
            var pause = _plan.BackOff(outcome == EndReason.None ? _exchange.Response : null, cluster, Worker);
            DropConnection(cluster);
            await _body.StopAsync();
            await _backOff.WaitAsync(Worker, pause);
            _timedOut = _timedOut == EndReason.PerTryTimeout ? EndReason.None : _timedOut;
            if (_exchange.Cut != EndReason.None || _timedOut != EndReason.None) return _exchange.Cut != EndReason.None ? _exchange.Cut : _timedOut;
            _plan.TellTimeout(_exchange.Request, info.RequestEnd == 0 ? 0 : Worker.Now - info.RequestEnd, !_exchange.Hcm.SuppressEnvoyHeaders);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EndReason> TryOnceAsync(RouteEntry route, ClusterState cluster, ulong? hash)
    {
        var (info, stats) = (_exchange.Info, cluster.Stats);
        var context = _plan.Context(hash, DestinationOf(cluster), cluster);
        // parity: retries go where the balancer says.
        if (info.Attempts == 1 && !_exchange.BoundTo.IsNone) context = context with { BoundTo = _exchange.BoundTo, BoundStrictly = _exchange.BoundStrictly };
        if (cluster.Pick(Worker, context) is not { } host)
        {
            stats.Add(Worker, ClusterStats.CxNoneHealthy);
            return EndReason.NoHealthyUpstream;
        }
        info.UpstreamHost = host;
        _plan.Chose(host);
        if (route.AutoHostRewrite && host.Hostname.Length > 0) RequestRewriting.Host(route, _exchange, System.Text.Encoding.ASCII.GetBytes(host.Hostname));
        if (!cluster.TryBegin(BreakerKind.Requests, route.IsHighPriority))
        {
            stats.Add(Worker, ClusterStats.RqPendingOverflow);
            return EndReason.UpstreamOverflow;
        }
        stats.Add(Worker, ClusterStats.RqTotal);
        stats.Add(Worker, ClusterStats.RqActive);
        host.Began();
        _activeHost = host;
        if (_plan.PerTryTimeoutMs > 0 || _plan.PerTryIdleMs > 0)
            Worker.StartTimer(_tryTimer, _plan.PerTryIdleMs > 0 && (_plan.PerTryTimeoutMs == 0 || _plan.PerTryIdleMs < _plan.PerTryTimeoutMs) ? _plan.PerTryIdleMs : _plan.PerTryTimeoutMs);
        var outcome = await ExchangeHeadAsync(route, cluster, host);
        Worker.StopTimer(_tryTimer);
        if (outcome != EndReason.None)
        {
            if (_timedOut != EndReason.None)
            {
                stats.Add(Worker, _timedOut == EndReason.ResponseTimeout ? ClusterStats.RqTimeout : ClusterStats.RqPerTryTimeout);
                outcome = _timedOut;
            }
            OutlierDetection.OnFailure(cluster, host, outcome == EndReason.UpstreamOverflow || _exchange.Cut != EndReason.None ? 0 : _timedOut != EndReason.None ? 504 : 503, Worker);
        }
        return outcome;
    }

    /// <summary>Where an original destination cluster sends the request: to what its header names, else where the client wanted to go.</summary>
    private SocketAddress DestinationOf(ClusterState cluster)
    {
        if (cluster.Snapshot.DestinationHeader is not { Length: > 0 } name || !_exchange.Request.TryGet(System.Text.Encoding.ASCII.GetBytes(name), out var value)) return _exchange.OriginalDestination;
        if (System.Net.IPEndPoint.TryParse(System.Text.Encoding.ASCII.GetString(value), out var endpoint) && endpoint.Port > 0) return SocketAddress.From(endpoint.Address, endpoint.Port);
        cluster.Stats.Add(Worker, ClusterStats.OriginalDstInvalid);
        return _exchange.OriginalDestination;
    }

    private HostState? _activeHost;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EndReason> ExchangeHeadAsync(RouteEntry route, ClusterState cluster, HostState host)
    {
        var pool = host.PoolOf(Worker, cluster, _exchange.Downstream.IsMultiplexed);
        var connection = pool.TryTakeIdle();
        if (connection is null)
        {
            if (cluster.Snapshot.Transports.IsPerClient) _connecting.Wishes = new ConnectWishes(Source: _exchange.Info.DownstreamRemote, Destination: _exchange.Info.DownstreamLocal);
            var (status, made, error) = await pool.ConnectAsync(_connecting);
            if (made is null)
            {
                _exchange.Info.TransportFailure = status == AcquireStatus.ConnectFailure ? _connecting.Failure : "";
                return status switch
                {
                    AcquireStatus.Overflow => EndReason.UpstreamOverflow,
                    AcquireStatus.ConnectTimeout => EndReason.ConnectTimeout,
                    _ => EndReason.ConnectFailure,
                };
            }
            connection = made;
        }
        _connection = connection;
        (_exchange.Info.UpstreamLocal, _exchange.Info.UpstreamTls) = (connection.LocalAddress, connection.Tls);
        connection.BeginRequest(_exchange.Request, _exchange.IsUpgrade ? BodyKind.None : _body.Kind, _exchange.IsUpgrade);
        if (_body.Kind == BodyKind.None)
        {
            if (!await connection.SendAsync(default)) return Broken();
            _exchange.Info.UpstreamRequestEnd = Worker.Now;
        }
        else _body.StartPump(connection, _onRequestSent);
        var (read, code, body) = await connection.ReadHeadAsync(_exchange.Response, _exchange.IsHead, _exchange.IsUpgrade);
        while (read == ReadStatus.Ok && code < 200 && code != 101)
        {
            // parity: without proxy_100_continue no informational response is passed on.
            if (_exchange.Hcm.Proxy100Continue)
            {
                _exchange.Downstream.WriteInformational(_exchange.Response, code);
                if (!await _exchange.Downstream.SendAsync(default)) return Gone() == ReadStatus.Aborted ? _exchange.Cut : EndReason.DownstreamDisconnect;
            }
            (read, code, body) = await connection.ReadHeadAsync(_exchange.Response, _exchange.IsHead, _exchange.IsUpgrade);
        }
        if (read != ReadStatus.Ok) return read == ReadStatus.Bad ? EndReason.UpstreamProtocolError : Broken();
        _exchange.Info.UpstreamFirstByte = Worker.Now;
        (_code, _responseBody) = (code, body);
        OutlierDetection.OnResponse(cluster, host, code, Worker);
        return EndReason.None;
    }

    private int _code;
    private BodyKind _responseBody;

    private EndReason Broken() => _timedOut != EndReason.None ? _timedOut
        : _exchange.Cut != EndReason.None ? _exchange.Cut
        : _connection is { WasRefused: true } ? EndReason.UpstreamRefusedStream
        : _connection is { WasReset: true } ? EndReason.UpstreamRemoteReset
        : EndReason.UpstreamReset;

    /// <summary>Sends the response whose head is there to the client, body and all.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ForwardAsync(RouteEntry route, WeightedCluster? weighted, ClusterState cluster)
    {
        var (exchange, connection, downstream) = (_exchange, _connection!, _exchange.Downstream);
        var stats = cluster.Stats;
        var tunnel = _code == 101;
        exchange.Info.EndedBy(EndReason.None);
        stats.Add(Worker, ClusterStats.ClassOf(_code));
        if (exchange.Info.Attempts > 1 && _code < 500) stats.Add(Worker, ClusterStats.RqRetrySuccess);
        if (!exchange.Hcm.SuppressEnvoyHeaders) SetResponseNumber(KnownHeader.EnvoyUpstreamTime, exchange.Info.UpstreamFirstByte - Math.Max(exchange.Info.Start, exchange.Info.UpstreamRequestEnd));
        exchange.Bodies.AnsweredBy(connection);
        if (await exchange.RunResponseFiltersAsync(_code) == FilterResult.Stop)
        {
            // A filter has answered instead: this response goes no further.
            await _body.StopAsync();
            if (!_body.IsComplete) exchange.MustClose = true;
            DropConnection(cluster);
            return;
        }
        _code = exchange.ResponseStatus;
        weighted?.Response.Apply(exchange.Response, exchange.Format, exchange.Scratch);
        foreach (var operations in route.ResponseHeaders) operations.Apply(exchange.Response, exchange.Format, exchange.Scratch);
        var body = exchange.IsHead ? BodyKind.None : _responseBody == BodyKind.UntilClose && !tunnel && !downstream.IsHttp10 ? BodyKind.Chunked : _responseBody;
        if (!tunnel) body = exchange.Bodies.ResponseKind(body);
        if (body == BodyKind.Chunked && downstream.IsHttp10) body = BodyKind.UntilClose;
        exchange.BeginResponse(_code, body, tunnel);
        var end = tunnel ? await TunnelAsync(connection) : await PumpResponseAsync(connection, body);
        stats.Add(Worker, ClusterStats.RqCompleted);
        stats.Observe(Worker, ClusterStats.RqTime, Worker.Now - exchange.Info.Start);
        var whole = end == ReadStatus.End && !tunnel;
        if (!whole && !tunnel && exchange.Cut == EndReason.None)
        {
            // The head is out: all that is left is to cut the client's connection where the upstream's was cut.
            exchange.Info.Flags |= _timedOut != EndReason.None ? ResponseFlags.UpstreamTimeout : connection.WasReset ? ResponseFlags.UpstreamRemoteReset : ResponseFlags.UpstreamTermination;
            exchange.Info.Details = connection.WasReset ? "upstream_reset_after_response_started{remote_reset}" : "upstream_reset_after_response_started{connection_termination}";
            stats.Add(Worker, ClusterStats.RqRxReset);
        }
        if (!whole || !_body.IsComplete && !tunnel) exchange.MustClose = true;
        await _body.StopAsync();
        _connection = null;
        connection.Release(whole && _body.IsComplete);
        LeaveHost(cluster);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadStatus> PumpResponseAsync(UpstreamStream connection, BodyKind body)
    {
        var (downstream, source) = (_exchange.Downstream, _exchange.Bodies.Response);
        if (body == BodyKind.None)
        {
            if (!await downstream.SendAsync(default)) return Gone();
            // A HEAD or 204 response ends with its head; what the upstream announced does not come.
            return connection.IsResponseDone ? ReadStatus.End : (await connection.ReadBodyAsync()).Status;
        }
        for (var turns = 1; ; turns++)
        {
            if (!(source is null ? connection.HasBodyBytes || connection.IsResponseDone : source.HasBytes) && !await downstream.SendAsync(default)) return Gone();
            if (_plan.PerTryIdleMs > 0) Worker.StartTimer(_tryTimer, _plan.PerTryIdleMs);
            var (status, data) = await (source is null ? connection.ReadBodyAsync() : source.ReadAsync());
            if (status == ReadStatus.End)
            {
                if ((source is null ? connection.ResponseTrailers : source.Trailers) is { } trailers)
                {
                    _exchange.KeepTrailers(trailers);
                    _exchange.RunTrailerFilters();
                }
                return await downstream.EndAsync(_exchange.ResponseTrailers) ? ReadStatus.End : Gone();
            }
            if (status != ReadStatus.Ok)
            {
                await downstream.SendAsync(default);
                return status;
            }
            _exchange.Info.BytesSent += data.Length;
            _exchange.Messages?.SeeResponse(data.Span);
            if (!await downstream.SendAsync(data)) return Gone();
            if (source is null) connection.Advance();
            else source.Advance();
            if (turns % 16 == 0) await Worker.Yield();
        }
    }

    private ReadStatus Gone()
    {
        _exchange.CutShort(EndReason.DownstreamDisconnect);
        return ReadStatus.Aborted;
    }

    /// <summary>After 101: raw bytes both ways until both sides are done or either is broken.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadStatus> TunnelAsync(UpstreamStream connection)
    {
        var downstream = _exchange.Downstream;
        Worker.StopTimer(_routeTimer);
        if (!await downstream.SendAsync(default)) return ReadStatus.Aborted;
        downstream.BeginTunnel();
        _body.StartTunnel(connection);
        while (true)
        {
            var (status, data) = await connection.ReadBodyAsync();
            if (status != ReadStatus.Ok)
            {
                if (status == ReadStatus.End) downstream.ShutdownSending();
                else downstream.AbortWaits();
                break;
            }
            _exchange.Info.BytesSent += data.Length;
            if (!await downstream.SendAsync(data)) break;
            connection.Advance();
        }
        _exchange.MustClose = true;
        await _body.FinishTunnelAsync();
        return ReadStatus.End;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FailAsync(EndReason outcome)
    {
        var exchange = _exchange;
        await _body.StopAsync();
        if (!_body.IsComplete) exchange.MustClose = true;
        await exchange.ReplyAsync(outcome);
        // parity: the log says why; a client is not told what goes on behind the proxy (Envoy since 1.39).
        if (outcome == EndReason.ConnectFailure && exchange.Info.TransportFailure.Length > 0) exchange.Info.Details = $"upstream_reset_before_response_started{{remote_connection_failure|{exchange.Info.TransportFailure.Replace(' ', '_')}}}";
    }

    private void DropConnection(ClusterState cluster)
    {
        var connection = _connection;
        _connection = null;
        connection?.Close();
        LeaveHost(cluster);
    }

    private void LeaveHost(ClusterState cluster)
    {
        if (_activeHost is not { } host) return;
        _activeHost = null;
        host.Ended();
        cluster.End(BreakerKind.Requests, _route!.IsHighPriority);
        cluster.Stats.Add(Worker, ClusterStats.RqActive, -1);
    }

    private void StartRouteTimer(RouteEntry route)
    {
        _exchange.Info.RequestEnd = _exchange.Info.RequestEnd == 0 ? Worker.Now : _exchange.Info.RequestEnd;
        if (_plan.TimeoutMs > 0 && !_routeTimer.IsActive && !_exchange.IsUpgrade) Worker.StartTimer(_routeTimer, _plan.TimeoutMs);
    }

    private void OnTimeout(EndReason reason)
    {
        if (_timedOut != EndReason.None) return;
        _timedOut = reason;
        _connecting.Abort();
        _connection?.Abort();
        if (reason == EndReason.ResponseTimeout) _backOff.Cancel(Worker);
    }

    private void SetNumber(KnownHeader header, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        value.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        _exchange.Request.Set(header, digits[..written]);
    }

    private void SetResponseNumber(KnownHeader header, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Math.Max(0, value).TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        _exchange.Response.Set(header, digits[..written]);
    }

    private sealed class TimeoutTimer(RouterRun run, EndReason reason) : WorkerTimer
    {
        protected internal override void OnFired() => run.OnTimeout(reason);
    }
}
