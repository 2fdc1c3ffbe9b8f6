using Lateen.Proxy.Buffers;
using Lateen.Proxy.Filters.Listener;
using Lateen.Proxy.Filters.Network.TcpProxy;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Network;

/// <summary>
/// A connection from its acceptance to its end: original destination, inspection of the first bytes, choice of a chain, and
/// then the chain's filter. Owned by one worker.
/// </summary>
internal sealed class DownstreamConnection(ActiveListener listener, TcpStream tcp, SocketAddress peer, ProxyContext context)
{
    private ReadBuffer _input = new(tcp.Worker.Buffers);
    private Http1ServerConnection? _http;
    private Http2ServerConnection? _http2;
    private bool _isSniffing;
    private ListenerSnapshot _listener = listener.Snapshot;

    private ByteStream? _secure;
    private SocketAddress _named;
    private int _told;

    /// <summary>The client's bytes; decrypted once its chain is chosen.</summary>
    public ByteStream Stream => _secure ?? tcp;

    /// <summary>Who the client is: what a header says, else the other end of the socket.</summary>
    private SocketAddress Client => _named.IsNone ? peer : _named;

    /// <summary>What all parts of the proxy share.</summary>
    public ProxyContext Context => context;

    public ulong Id { get; } = context.NextConnectionId();

    /// <summary>Where the client wanted to go; the local address when nothing was redirected.</summary>
    public SocketAddress OriginalDestination { get; private set; }

    public string ServerName { get; private set; } = "";

    /// <summary>The cluster that a filter has chosen for its bytes; null for the one of the chain.</summary>
    public string? Cluster { get; set; }

    /// <summary>The chain that serves it; null until it is chosen.</summary>
    public ChainSnapshot? Chain { get; private set; }

    /// <summary>It is to be closed when its request is done.</summary>
    public bool Draining => context.Draining || _drained;

    private bool _drained;

    /// <summary>Fills in what is the same for all requests of the connection.</summary>
    public void Describe(StreamInfo info)
    {
        info.Reset(tcp.Worker.Now, tcp.Worker.UtcNow);
        (info.DownstreamRemote, info.DownstreamDirectRemote, info.DownstreamLocal) = (Client, peer, OriginalDestination);
        (info.ConnectionId, info.RequestedServerName, info.ListenerName) = (Id, ServerName, _listener.Name);
        info.DownstreamTls = Stream.Tls;
    }

    /// <summary>A cluster as it is now.</summary>
    public Upstream.Clusters.ClusterState? FindCluster(string name) => context.Clusters.Current.Find(name);

    /// <summary>Lets it close after its request; at once when it is idle and asked to.</summary>
    public void Drain(bool closeIdle)
    {
        _drained = true;
        _http?.Drain(closeIdle);
        _http2?.BeginDrain();
        if (_isSniffing && closeIdle) Stream.Close();
    }

    /// <summary>Cuts it: the time for draining is over.</summary>
    public void Cut() => Stream.Abort();

    /// <summary>Serves it to its end. Closes the stream.</summary>
    public async Task RunAsync()
    {
        try
        {
            OriginalDestination = NativeSocket.LocalAddress(Stream.Fd);
            if (_listener.UseOriginalDestination || _listener.RestoreOriginalDestination) Redirect();
            if (_listener.ProxyHeaders is { } headers && !await ReadProxyHeaderAsync(headers)) return;
            if (await ChooseChainAsync() is not { } chain)
            {
                _listener.Stats.Add(tcp.Worker, ListenerStats.NoFilterChain);
                return;
            }
            Chain = chain;
            if (!await TellFiltersAsync(chain)) return;
            if (chain.Tls is not null && !await SecureAsync(chain)) return;
            switch (chain.Filter)
            {
                case HttpFilterSnapshot http:
                    if (chain.Before.Length > 0 && !await AwaitAdmissionAsync(http.Hcm.IdleTimeoutMs)) return;
                    if (await IsHttp2Async(http.Hcm))
                    {
                        _http2 = new Http2ServerConnection(this, http.Hcm, _input, context);
                        await _http2.RunAsync();
                        break;
                    }
                    _http = new Http1ServerConnection(this, http.Hcm, _input, context);
                    await _http.RunAsync();
                    break;
                case TcpFilterSnapshot tcp:
                    await new TcpProxyRun(this, tcp, _input, context).RunAsync();
                    break;
            }
        }
        finally
        {
            if (!Stream.IsClosed)
            {
                _input.Release();
                Stream.Close();
            }
            for (var i = 0; i < _told; i++) Chain!.Before[i].OnClosed(this);
        }
    }

    /// <summary>Lets the chain's filters look at the connection before it is served; false when one of them refuses it.</summary>
    private async ValueTask<bool> TellFiltersAsync(ChainSnapshot chain)
    {
        foreach (var filter in chain.Before)
        {
            _told++;
            if (!await filter.OnConnectedAsync(this)) return false;
        }
        return true;
    }

    /// <summary>Reads who the client is from the header that a load balancer puts first; false when the connection is to be closed.</summary>
    private async ValueTask<bool> ReadProxyHeaderAsync(ProxyHeaderSettings settings)
    {
        var timer = new ActionTimer(Stream.Abort);
        if (_listener.InspectTimeoutMs > 0) tcp.Worker.StartTimer(timer, _listener.InspectTimeoutMs);
        try
        {
            while (true)
            {
                var status = ProxyHeader.Read(_input.Span, out var length, out var version, out var source, out var destination);
                if (status != ProxyHeaderStatus.NeedMore || _input.Length == 0 && settings.MayBeAbsent && Stream.PeerClosed)
                {
                    if (!settings.Accept(status, version, tcp.Worker)) return false;
                    if (status != ProxyHeaderStatus.Done) return true;
                    _input.Consume(length);
                    if (!source.IsNone) (_named, OriginalDestination) = (source, destination);
                    return true;
                }
                var received = Stream.TryReceive(_input.Space(), out var count);
                if (received == IoStatus.Ok) _input.Added(count);
                else if (received != IoStatus.WouldBlock || !await Stream.ReadableAsync()) return false;
            }
        }
        finally
        {
            tcp.Worker.StopTimer(timer);
        }
    }

    /// <summary>Asks the chain's filters, when the client's first bytes are there. False: it is to be closed.</summary>
    public async ValueTask<bool> AdmitAsync(StreamInfo info)
    {
        foreach (var filter in Chain!.Before)
            if (!await filter.OnFirstBytesAsync(this, info))
                return false;
        return true;
    }

    private async ValueTask<bool> AwaitAdmissionAsync(long idleTimeoutMs)
    {
        var timer = new ActionTimer(Stream.Abort);
        if (idleTimeoutMs > 0) tcp.Worker.StartTimer(timer, idleTimeoutMs);
        try
        {
            while (_input.Length == 0)
            {
                var status = Stream.TryReceive(_input.Space(), out var received);
                if (status == IoStatus.Ok) _input.Added(received);
                else if (status != IoStatus.WouldBlock) return false;
                else
                {
                    _input.ReleaseIfEmpty();
                    if (!await Stream.ReadableAsync()) return false;
                }
            }
        }
        finally
        {
            tcp.Worker.StopTimer(timer);
        }
        var info = new StreamInfo();
        Describe(info);
        return await AdmitAsync(info);
    }

    /// <summary>Shakes hands as the chain says; false when that failed.</summary>
    private async ValueTask<bool> SecureAsync(ChainSnapshot chain)
    {
        if (chain.Tls!.Current is not { } context)
        {
            chain.Tls.Stats.OnNotReady(tcp.Worker);
            return false;
        }
        var secure = new TlsStream(tcp, context, default, _input.Span);
        _secure = secure;
        _input.Release();
        var timer = chain.HandshakeTimeoutMs > 0 ? new ActionTimer(secure.Abort) : null;
        if (timer is not null) tcp.Worker.StartTimer(timer, chain.HandshakeTimeoutMs);
        var done = await secure.HandshakeAsync();
        if (timer is not null) tcp.Worker.StopTimer(timer);
        if (done && ServerName.Length == 0) ServerName = secure.Tls!.ServerName;
        return done;
    }

    /// <summary>Tells the protocol by what was negotiated, else by whether the first bytes are those with which HTTP/2 begins (RFC 9113 section 3.3).</summary>
    private async ValueTask<bool> IsHttp2Async(HcmSnapshot hcm)
    {
        if (hcm.Codec != CodecKind.Auto) return hcm.Codec == CodecKind.Http2;
        if (Stream.NegotiatedProtocol.Length > 0) return Stream.NegotiatedProtocol == "h2";
        var preface = Frames.Preface.Length;
        using var timer = new SniffTimer(Stream, hcm.IdleTimeoutMs);
        _isSniffing = true;
        try
        {
            while (true)
            {
                var shared = Math.Min(_input.Length, preface);
                if (!_input.Span[..shared].SequenceEqual(Frames.Preface[..shared])) return false;
                if (shared == preface) return true;
                var status = Stream.TryReceive(_input.Space(), out var received);
                if (status == IoStatus.Ok)
                {
                    _input.Added(received);
                    continue;
                }
                if (status != IoStatus.WouldBlock) return false;
                _input.ReleaseIfEmpty();
                if (!await Stream.ReadableAsync()) return false;
            }
        }
        finally
        {
            _isSniffing = false;
        }
    }

    /// <summary>Goes to the listener of the original destination, if there is one.</summary>
    private void Redirect()
    {
        var original = NativeSocket.OriginalDestination(Stream.Fd, peer.IsV6);
        if (original.IsNone) return;
        OriginalDestination = original;
        if (_listener.UseOriginalDestination && listener.Set.FindVirtual(original) is { } other) _listener = other.Snapshot;
    }

    private async ValueTask<ChainSnapshot?> ChooseChainAsync()
    {
        IReadOnlyList<string> protocols = [];
        var isTls = false;
        var (tls, http) = (_listener.InspectTls && IsOn(_listener.TlsInspectionOff), _listener.InspectHttp && IsOn(_listener.HttpInspectionOff));
        if (tls || http)
        {
            var timedOut = false;
            var timer = new ActionTimer(() =>
            {
                timedOut = true;
                Stream.Abort();
            });
            if (_listener.InspectTimeoutMs > 0) tcp.Worker.StartTimer(timer, _listener.InspectTimeoutMs);
            while (true)
            {
                var pending = false;
                if (tls)
                    switch (TlsInspector.Inspect(_input.Span, out var name, out var offered))
                    {
                        case Inspection.NeedMore:
                            pending = true;
                            break;
                        case Inspection.Yes:
                            (isTls, ServerName, protocols, http) = (true, name, offered, false);
                            break;
                    }
                if (!pending && http && !isTls)
                    switch (HttpInspector.Inspect(_input.Span, out var protocol))
                    {
                        case Inspection.NeedMore:
                            pending = true;
                            break;
                        case Inspection.Yes:
                            protocols = [protocol];
                            break;
                    }
                if (!pending) break;
                var status = Stream.TryReceive(_input.Space(), out var received);
                if (status == IoStatus.Ok) _input.Added(received);
                else if (status != IoStatus.WouldBlock) break;
                else if (!await Stream.ReadableAsync()) break;
            }
            tcp.Worker.StopTimer(timer);
            if (timedOut)
            {
                _listener.Stats.Add(tcp.Worker, ListenerStats.PreCxTimeout);
                if (!_listener.ContinueOnInspectTimeout) return null;
            }
        }
        return _listener.Matcher.Find(new ConnectionFacts(OriginalDestination, Client, ServerName, isTls, protocols) { DirectRemote = peer });
    }

    private bool IsOn((int From, int To)[] off)
    {
        foreach (var (from, to) in off)
            if (OriginalDestination.Port >= from && OriginalDestination.Port < to)
                return false;
        return true;
    }

    /// <summary>Ends the wait for the first bytes.</summary>
    private sealed class SniffTimer : WorkerTimer, IDisposable
    {
        private readonly ByteStream _stream;

        public SniffTimer(ByteStream stream, long milliseconds)
        {
            _stream = stream;
            if (milliseconds > 0) stream.Worker.StartTimer(this, milliseconds);
        }

        public void Dispose() => _stream.Worker.StopTimer(this);

        protected internal override void OnFired() => _stream.Close();
    }
}
