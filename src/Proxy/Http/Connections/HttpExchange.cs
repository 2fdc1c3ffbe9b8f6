using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Http;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Filters.Http.GrpcStats;
using Lateen.Proxy.Filters.Http.Router;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tracing;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// One request and its response, from the parsed head to the log line. Reused for the next request of its stream. Owned by
/// one worker; ends for exactly one reason.
/// </summary>
internal sealed class HttpExchange
{
    private readonly DownstreamStream _downstream;
    private readonly RouterRun _router;
    private readonly CutTimer _requestTimer;
    private readonly IdleTimer _idleTimer;
    private readonly TraceRun _trace = new();
    private readonly DurationLimit _duration;
    private readonly Delay _delay;
    private readonly Action _onGone;
    private bool _responded;
    private bool _hasTrailers;
    private bool _isInResponseFilters;
    private HeaderMap? _trailers;

    public HttpExchange(Worker worker, DownstreamStream downstream, ProxyContext context)
    {
        (Worker, _downstream, Context) = (worker, downstream, context);
        _router = new RouterRun(this);
        Bodies = new MessageBodies(this);
        _requestTimer = new CutTimer(this, EndReason.RequestTimeout);
        _idleTimer = new IdleTimer(this);
        _duration = new DurationLimit(this);
        _delay = new Delay();
        _onGone = () => CutShort(EndReason.DownstreamDisconnect);
    }

    public Worker Worker { get; }

    public ProxyContext Context { get; }

    public HeaderMap Request { get; } = new();

    public HeaderMap Response { get; } = new();

    /// <summary>Trailers of the request, once its body has been read to the end; null when there are none.</summary>
    public HeaderMap? RequestTrailers => Bodies.Request is { } body ? body.Trailers : _downstream.RequestTrailers;

    /// <summary>The bodies that filters hold back or change.</summary>
    public MessageBodies Bodies { get; }

    /// <summary>Ends what a filter waits for, elsewhere than on the client; null while none does.</summary>
    public Action? OnCut { get; set; }

    /// <summary>Trailers of the response; null when there are none.</summary>
    public HeaderMap? ResponseTrailers => _hasTrailers ? _trailers : null;

    public StreamInfo Info { get; } = new();

    public ByteBuilder Scratch { get; } = new();

    public DownstreamStream Downstream => _downstream;

    public HcmSnapshot Hcm { get; private set; } = null!;

    public RouteEntry? Route { get; private set; }

    /// <summary>The cluster that the route gives this request; null when it has none.</summary>
    public string? ClusterName { get; private set; }

    /// <summary>The choice among the route's weighted clusters that was made for this request; null when it has none.</summary>
    public WeightedCluster? Weighted { get; private set; }

    /// <summary>Where the client wanted to go, for original destination clusters.</summary>
    public SocketAddress OriginalDestination { get; set; }

    /// <summary>What filters have to change in the headers of whatever response comes; null for nothing.</summary>
    private List<HeaderChange>? _responseChanges;

    /// <summary>The client sent its own description: it is told that of this proxy.</summary>
    public bool PeerAsked { get; set; }

    /// <summary>Counts the messages of a gRPC stream; null when nobody asked.</summary>
    public GrpcCounts? Messages { get; set; }

    public bool CorsOriginAllowed { get; set; }

    /// <summary>A filter has made gRPC of the request: the client itself does not speak it.</summary>
    public bool IsGrpcWeb { get; set; }

    /// <summary>The host that the request's session is bound to; none for no session.</summary>
    public SocketAddress BoundTo { get; set; }

    /// <summary>Without that host the request is not served.</summary>
    public bool BoundStrictly { get; set; }

    /// <summary>A Set-Cookie value that the response carries for a hash policy; null for none.</summary>
    public string? NewCookie { get; set; }

    /// <summary>The request asks for another protocol, and may have it.</summary>
    public bool IsUpgrade { get; private set; }

    public bool IsHead { get; private set; }

    /// <summary>Status of the response that the filters are shown.</summary>
    public int ResponseStatus { get; set; }

    /// <summary>The connection cannot be used for another request.</summary>
    public bool MustClose { get; set; }

    /// <summary>The connection's owner wants to close it: the response says so.</summary>
    public bool Draining { get; set; }

    /// <summary>Why a timer or the client cut the exchange short; none while it goes on.</summary>
    public EndReason Cut { get; private set; }

    /// <summary>
    /// Serves the request that is in <see cref="Request"/>: 1. look at the head; 2. choose the route; 3. run the filters; 4. redirect,
    /// answer or forward; 5. count and log.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RunAsync(HcmSnapshot hcm)
    {
        Begin(hcm);
        var stats = hcm.Stats;
        stats.Add(Worker, HttpStats.RqTotal);
        stats.Add(Worker, _downstream.IsMultiplexed ? HttpStats.RqHttp2Total : HttpStats.RqHttp1Total);
        stats.Add(Worker, HttpStats.RqActive);
        _duration.Begin(hcm);
        if (hcm.RequestTimeoutMs > 0) Worker.StartTimer(_requestTimer, hcm.RequestTimeoutMs);
        _idleTimer.Start(hcm.StreamIdleTimeoutMs);
        try
        {
            await ServeAsync();
        }
        finally
        {
            Worker.StopTimer(_requestTimer);
            Worker.StopTimer(_idleTimer);
            _duration.End();
            _downstream.OnGone = null;
            Finish();
        }
    }

    /// <summary>Answers a message that is not a request.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RefuseAsync(HcmSnapshot hcm, EndReason reason)
    {
        Request.Clear();
        Begin(hcm);
        MustClose = true;
        await ReplyAsync(reason);
        Bodies.Clear();
        _downstream.OnGone = null;
        Info.End = Worker.Now;
        hcm.Stats.Add(Worker, HttpStats.Rq4xx);
        foreach (var log in hcm.AccessLogs) log.Write(Format, Scratch);
    }

    /// <summary>
    /// Answers the client from here, once. Headers that a filter has put into <see cref="Response"/> stay when asked.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReplyAsync(EndReason reason, int status = 0, ReadOnlyMemory<byte> body = default, bool keepHeaders = false, int? grpcStatus = null, string? codeDetails = null)
    {
        var row = EndRow.Of(reason);
        // The client has said all that it had to say: it is not the one who was slow. Source: Envoy, Http::Utility::maybeRequestTimeoutCode.
        if (status == 0) status = reason is EndReason.StreamIdleTimeout or EndReason.MaxStreamDuration && _downstream.IsRequestDone ? 504 : row.Status;
        Info.Status = status;
        Info.EndedBy(reason);
        if (codeDetails is not null) Info.Details = codeDetails;
        if (status == 0 || _responded && !_isInResponseFilters)
        {
            MustClose = true;
            return;
        }
        _responded = true;
        if (!keepHeaders) Response.Clear();
        if (body.IsEmpty && row.Body.Length > 0) body = Encoding.UTF8.GetBytes(Info.Attempts > 1 ? row.RetriedBody : row.Body);
        if (!IsGrpcWeb && GrpcText.IsContentType(Request[KnownHeader.ContentType]) && reason != EndReason.DirectResponse) body = GrpcReply(grpcStatus ?? GrpcStatusOf(status), body.Span, ref status);
        if (!body.IsEmpty && !Response.Has(KnownHeader.ContentType)) Response.Add(KnownHeader.ContentType, "text/plain"u8);
        if (reason == EndReason.UpstreamOverflow) Response.Add(KnownHeader.EnvoyOverloaded, "true"u8);
        if (status is >= 200 and not (204 or 304) || !body.IsEmpty) SetLength(body.Length);
        Bodies.AnsweredHere(body);
        // parity: what a filter answers in place of a response that was there already passes no other filter.
        if (!_isInResponseFilters)
        {
            if (await RunResponseFiltersAsync(status) == FilterResult.Stop) return;
            status = ResponseStatus;
        }
        if (Route is { } route)
            foreach (var operations in route.ResponseHeaders) operations.Apply(Response, Format, Scratch);
        if (Bodies.Response is { } source && !IsHead)
        {
            await SendAsync(source, status);
            return;
        }
        BeginResponse(status, body.IsEmpty || IsHead ? BodyKind.None : BodyKind.Length, upgrade: false);
        Info.BytesSent += IsHead ? 0 : body.Length;
        var isGone = !IsHead && !body.IsEmpty && !await _downstream.SendAsync(body);
        if (isGone || !await _downstream.EndAsync(null)) MustClose = true;
    }

    /// <summary>Sends an answer from here that filters have changed.</summary>
    private async ValueTask SendAsync(BodySource source, int status)
    {
        BeginResponse(status, Bodies.ResponseKind(BodyKind.None), upgrade: false);
        while (true)
        {
            var (read, data) = await source.ReadAsync();
            if (read == ReadStatus.End) break;
            Info.BytesSent += data.Length;
            if (read != ReadStatus.Ok || !await _downstream.SendAsync(data))
            {
                MustClose = true;
                return;
            }
            source.Advance();
        }
        if (source.Trailers is { } trailers) KeepTrailers(trailers);
        if (!await _downstream.EndAsync(ResponseTrailers)) MustClose = true;
    }

    /// <summary>Keeps the upstream's trailers, so that filters may change them and logs may read them.</summary>
    public void KeepTrailers(HeaderMap trailers)
    {
        _hasTrailers = true;
        (_trailers ??= new HeaderMap()).CopyFrom(trailers);
    }

    /// <summary>Finishes the response's head, this hop's headers included, and puts it into the output.</summary>
    public void BeginResponse(int status, BodyKind body, bool upgrade)
    {
        _responded = true;
        Info.Status = status;
        if (!_downstream.IsRequestDone && !upgrade && _downstream.RequestBody != BodyKind.None && Info.RequestEnd == 0 && body == BodyKind.None) MustClose = true;
        HeaderRules.FinishResponse(this);
        if (body == BodyKind.UntilClose || Draining || Context.Overload.EndsKeepAlive) MustClose = true;
        _downstream.BeginResponse(Response, status, body, MustClose, upgrade);
        Info.FirstByteSent = Worker.Now;
    }

    /// <summary>Waits; false when the exchange was cut short meanwhile.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> DelayAsync(long milliseconds)
    {
        await _delay.WaitAsync(Worker, milliseconds);
        if (Cut == EndReason.None) return true;
        await ReplyAsync(Cut);
        return false;
    }

    /// <summary>Bytes of the exchange came from the client or went to it: it is not idle.</summary>
    public void Progressed() => _idleTimer.LastProgress = Worker.Now;

    /// <summary>Ends the exchange from a timer or because the client is gone: every wait of it returns.</summary>
    public void CutShort(EndReason reason)
    {
        if (Cut != EndReason.None) return;
        Cut = reason;
        // Once an answer has begun there is no other to give: a client that does not take it is cut off.
        var cutsClient = Bodies.IsHolding || reason == EndReason.DownstreamDisconnect || reason is EndReason.StreamIdleTimeout or EndReason.MaxStreamDuration && _responded;
        _delay.Cancel(Worker);
        _router.Abort();
        OnCut?.Invoke();
        if (cutsClient) _downstream.AbortWaits();
    }

    public FormatContext Format => new(Info, Request, Response, RequestTrailers, ResponseTrailers);

    /// <summary>Chooses the route for the request as it is now: filters that change what routes look at do it again.</summary>
    public void ChooseRoute()
    {
        (ClusterName, Weighted, Info.RouteName, Info.Cluster) = (null, null, "", "");
        Route = Hcm.Routes.Table?.Select(Request, Worker.Random, out _, Info);
        if (Route is not { } chosen) return;
        Info.RouteName = chosen.Name;
        if (chosen.Redirect is not null || chosen.Direct is not null) return;
        ClusterName = chosen.ChooseCluster(Request, Worker.Random, out var weighted);
        Weighted = weighted;
        // Logs name the cluster of a request that a filter answers, too; one that is not there has no name.
        if (ClusterName is { } name && Context.Clusters.Current.Find(name) is { } cluster) Info.Cluster = cluster.Snapshot.Name;
    }

    /// <summary>Remembers a change of the response's headers.</summary>
    public void AddResponseChange(in HeaderChange change) => (_responseChanges ??= []).Add(change);

    /// <summary>Makes the changes that were remembered, once.</summary>
    public void ApplyResponseChanges()
    {
        foreach (var change in _responseChanges ?? []) change.Apply(Response);
        _responseChanges = null;
    }

    /// <summary>What the request's route says to a filter, or null.</summary>
    public RouteFilterConfig? RouteConfig(string filter) => (Weighted?.Filters ?? Route?.Filters)?.Find(filter);

    /// <summary>What the request's route says to a filter, in the filter's own words; null when it says nothing.</summary>
    public T? RouteConfig<T>(string filter)
        where T : class => RouteConfig(filter)?.Config as T;

    /// <summary>Lets the filters see the response's head, the one nearest to the upstream first; stops when one of them has answered instead.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<FilterResult> RunResponseFiltersAsync(int status)
    {
        var filters = Hcm.Filters;
        ResponseStatus = status;
        _isInResponseFilters = true;
        var result = FilterResult.Continue;
        for (var i = filters.Length - 1; i >= 0 && result == FilterResult.Continue; i--)
            if (IsOn(filters[i]))
                result = await filters[i].Filter.OnResponseAsync(this);
        _isInResponseFilters = false;
        return result;
    }

    /// <summary>Lets the filters see the response's trailers, the one nearest to the upstream first.</summary>
    public void RunTrailerFilters()
    {
        var filters = Hcm.Filters;
        for (var i = filters.Length - 1; i >= 0; i--)
            if (IsOn(filters[i]))
                filters[i].Filter.OnResponseTrailers(this);
    }

    private bool IsOn(HttpFilterSlot slot) => !(RouteConfig(slot.Name)?.Disabled ?? slot.Disabled);

    private void Begin(HcmSnapshot hcm)
    {
        Hcm = hcm;
        (Route, ClusterName, Weighted, NewCookie, _responseChanges, PeerAsked, Messages) = (null, null, null, null, null, false, null);
        Bodies.Clear();
        (OnCut, _isInResponseFilters) = (null, false);
        (BoundTo, BoundStrictly, IsGrpcWeb) = (default, false, false);
        (CorsOriginAllowed, IsUpgrade, MustClose, _responded, _hasTrailers, Cut) = (false, false, false, false, false, EndReason.None);
        IsHead = Request[KnownHeader.Method].SequenceEqual("HEAD"u8);
        if (_downstream.IsRequestDone) Info.RequestEnd = Worker.Now;
        _downstream.OnGone = _onGone;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ServeAsync()
    {
        // 1
        if (Hcm.Handler is { } handler)
        {
            await HandleAsync(handler);
            return;
        }
        if (Context.Overload.StopsRequests)
        {
            await ReplyAsync(EndReason.Overloaded);
            return;
        }
        if (HeaderRules.PrepareRequest(this, out var isUpgrade) is var refused and not EndReason.None)
        {
            Response.Clear();
            MustClose |= refused == EndReason.PathRefused;
            if (refused == EndReason.PathRedirected) Response.Add(KnownHeader.Location, Request[KnownHeader.Path]);
            await ReplyAsync(refused, keepHeaders: true);
            return;
        }
        IsUpgrade = isUpgrade;

        // 2
        ChooseRoute();
        if (Route is { } chosen)
        {
            if (chosen.IdleTimeoutMs is { } idle) _idleTimer.Start(idle);
            _duration.OnRoute(chosen);
        }
        _trace.Begin(this);

        // 3
        foreach (var slot in Hcm.Filters)
            if (IsOn(slot) && await slot.Filter.OnRequestAsync(this) == FilterResult.Stop)
                return;

        // 4
        if (Route is null)
        {
            Hcm.Stats.Add(Worker, HttpStats.NoRoute);
            await ReplyAsync(EndReason.RouteNotFound);
        }
        else if (Route.Redirect is { } redirect)
        {
            Hcm.Stats.Add(Worker, HttpStats.RqRedirect);
            Response.Clear();
            Redirects.WriteLocation(redirect, Route, Request, Response, Scratch);
            await ReplyAsync(EndReason.DirectResponse, redirect.Status, keepHeaders: true);
        }
        else if (Route.Direct is { } direct)
        {
            Hcm.Stats.Add(Worker, HttpStats.RqDirectResponse);
            await ReplyAsync(EndReason.DirectResponse, direct.Status, direct.Body);
        }
        else await _router.RunAsync(Route);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask HandleAsync(Func<DirectRequest, Task<DirectAnswer>> handler)
    {
        using var body = new MemoryStream();
        while (true)
        {
            var (status, data) = await _downstream.ReadBodyAsync();
            if (status == ReadStatus.End) break;
            if (status != ReadStatus.Ok || body.Length > 1 << 20)
            {
                MustClose = true;
                return;
            }
            body.Write(data.Span);
            _downstream.Advance();
        }
        var request = new DirectRequest(Encoding.ASCII.GetString(Request[KnownHeader.Method]), Encoding.UTF8.GetString(Request[KnownHeader.Path]), body.ToArray());
        // The handler runs on the pool; its answer comes back to the worker.
        var answer = await PoolWork.RunAsync(Worker, () => handler(request));
        Response.Clear();
        Response.Add(KnownHeader.ContentType, Encoding.ASCII.GetBytes(answer.ContentType));
        Response.Add("cache-control"u8, "no-cache, max-age=0"u8);
        Response.Add("x-content-type-options"u8, "nosniff"u8);
        await ReplyAsync(EndReason.DirectResponse, answer.Status, answer.Body, keepHeaders: true);
    }

    private void Finish()
    {
        Info.End = Worker.Now;
        var stats = Hcm.Stats;
        stats.Add(Worker, HttpStats.RqActive, -1);
        if (Cut == EndReason.DownstreamDisconnect)
        {
            stats.Add(Worker, HttpStats.RqRxReset);
        }
        else if (Cut is EndReason.StreamIdleTimeout or EndReason.MaxStreamDuration) Info.EndedBy(Cut);
        if (Info.Status >= 100)
        {
            stats.Add(Worker, HttpStats.RqCompleted);
            stats.Add(Worker, HttpStats.Rq1xx + Math.Clamp(Info.Status / 100, 1, 5) - 1);
        }
        stats.Observe(Worker, HttpStats.RqTime, Info.End - Info.Start);
        if (Info.Cluster.Length > 0) Info.ClusterFacts = Context.Clusters.Current.Find(Info.Cluster)?.Snapshot.IstioMetadata;
        foreach (var slot in Hcm.Filters)
            if (IsOn(slot))
                slot.Filter.OnEnd(this);
        _trace.End(this);
        foreach (var log in Hcm.AccessLogs) log.Write(Format, Scratch);
        Bodies.Clear();
    }

    private void SetLength(int length)
    {
        Span<byte> digits = stackalloc byte[11];
        length.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        Response.Set(KnownHeader.ContentLength, digits[..written]);
    }

    /// <summary>A gRPC client gets 200 and its own status. Source: Envoy, Http::Utility::sendLocalReply.</summary>
    private ReadOnlyMemory<byte> GrpcReply(int grpcStatus, ReadOnlySpan<byte> message, ref int status)
    {
        status = 200;
        Response.Set(KnownHeader.ContentType, "application/grpc"u8);
        Response.Set(KnownHeader.GrpcStatus, Encoding.ASCII.GetBytes(grpcStatus.ToString(CultureInfo.InvariantCulture)));
        if (!message.IsEmpty) Response.Set(KnownHeader.GrpcMessage, message);
        return default;
    }

    private static int GrpcStatusOf(int status) => status switch
    {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 or 502 or 503 or 504 => 14,
        _ => 2,
    };

    /// <summary>Fires when nothing has moved for as long as is allowed. It is not moved for every byte: it looks when it fires.</summary>
    private sealed class IdleTimer(HttpExchange exchange) : WorkerTimer
    {
        private long _limitMs;

        public long LastProgress { get; set; }

        /// <param name="limitMs">Milliseconds; 0 for no limit.</param>
        public void Start(long limitMs)
        {
            (_limitMs, LastProgress) = (limitMs, exchange.Worker.Now);
            if (limitMs > 0) exchange.Worker.StartTimer(this, limitMs);
            else exchange.Worker.StopTimer(this);
        }

        protected internal override void OnFired()
        {
            var left = LastProgress + _limitMs - exchange.Worker.Now;
            if (left > 0) exchange.Worker.StartTimer(this, left);
            else exchange.CutShort(EndReason.StreamIdleTimeout);
        }
    }

    private sealed class CutTimer(HttpExchange exchange, EndReason reason) : WorkerTimer
    {
        protected internal override void OnFired() => exchange.CutShort(reason);
    }
}
