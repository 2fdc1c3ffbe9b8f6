using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>One HTTP/2 connection to an upstream, for as many exchanges at a time as both sides allow. Owned by one worker.</summary>
internal sealed class Http2ClientConnection : Http2Connection
{
    private readonly HttpPool _pool;
    private readonly ActionTimer _idleTimer;
    private long _lastUse;
    private int _attached;
    private int _nextId = 1;
    private bool _isLeft;

    public Http2ClientConnection(HttpPool pool, ByteStream stream, Http2Options options, Http2Stats stats, Http2Stock stock)
        : base(stream, options, stats, stock, new ReadBuffer(pool.Worker.Buffers))
    {
        _pool = pool;
        (LocalAddress, Tls) = (Interop.NativeSocket.LocalAddress(stream.Fd), stream.Tls);
        _idleTimer = new ActionTimer(Leave);
        _lastUse = Worker.Now;
    }

    public SocketAddress LocalAddress { get; }

    /// <summary>What the handshake told; null without TLS.</summary>
    public TlsFacts? Tls { get; }

    /// <summary>Requests that were begun on it.</summary>
    public long Requests { get; private set; }

    /// <summary>Another request can begin on it.</summary>
    public bool HasRoom => Room > 0;

    /// <summary>Number of requests that can begin on it now.</summary>
    public int Room => CanBegin ? (int)Math.Max(0, Math.Min(Options.MaxConcurrentStreams, PeerMaxStreams) - _attached) : 0;

    protected override ReadOnlySpan<byte> ExpectedPreface => default;

    protected override int MostHeadBytes => Http1Limits.Default.MaxHeadBytes;

    private bool CanBegin => !IsClosed && !_isLeft && !IsLeaving && !Stream.PeerClosed && _nextId < int.MaxValue - 2;

    /// <summary>Says hello and begins to read.</summary>
    public void Start()
    {
        Output.Raw(Frames.Preface);
        SendSettings(
        [
            (SettingId.EnablePush, 0), (SettingId.InitialWindowSize, (uint)Options.StreamWindow), (SettingId.HeaderTableSize, (uint)Options.TableSize),
            (SettingId.MaxHeaderListSize, (uint)MostHeadBytes),
        ]);
        StartPings();
        _ = ReadToEndAsync();
    }

    /// <summary>A place for one exchange; <see cref="HasRoom"/> is true.</summary>
    public Http2ClientStream Attach()
    {
        Worker.StopTimer(_idleTimer);
        if (Options.PingAfterIdleMs > 0 && Worker.Now - _lastUse >= Options.PingAfterIdleMs) CheckAlive();
        _lastUse = Worker.Now;
        _attached++;
        Requests++;
        var stream = Stock.TakeClientStream();
        stream.Attach(this, isFirst: Requests == 1);
        var most = _pool.Cluster.Snapshot.MaxRequestsPerConnection;
        if (most > 0 && Requests >= most)
        {
            _pool.Cluster.Stats.Add(Worker, ClusterStats.CxMaxRequests);
            StopTaking();
        }
        return stream;
    }

    /// <summary>Opens the stream itself; a stream of a connection that is over is broken from the start.</summary>
    public bool TryBegin(Http2Stream stream)
    {
        if (IsClosed)
        {
            stream.Open(this, 0, 0);
            stream.Break(StreamEnd.ConnectionLost, Http2Error.Cancel, tell: false);
            return false;
        }
        Add(stream, _nextId);
        _nextId += 2;
        return true;
    }

    /// <summary>The exchange is over.</summary>
    public void Finished(Http2ClientStream stream)
    {
        if (stream.Stream.Id > 0) Remove(stream.Stream);
        Stock.Return(stream);
        _attached--;
        _lastUse = Worker.Now;
        if (IsClosed) return;
        if (_attached > 0)
        {
            _pool.OnRoom();
            return;
        }
        if (_isLeft || _pool.Host.IsRemoved) Leave();
        else
        {
            if (_pool.Cluster.Snapshot.IdleTimeoutMs > 0) Worker.StartTimer(_idleTimer, _pool.Cluster.Snapshot.IdleTimeoutMs);
            _pool.OnRoom();
        }
    }

    /// <summary>Takes nothing new; goes when what is open is over.</summary>
    public void StopTaking()
    {
        _isLeft = true;
        if (_attached == 0) Leave();
    }

    protected override Http2Error OnBlock(in FrameHeader head, ReadOnlySpan<byte> block)
    {
        if (head.Stream % 2 == 0 || head.Stream >= _nextId) return Http2Error.ProtocolError;
        if (!Streams.TryGetValue(head.Stream, out var stream) || stream.End != StreamEnd.None || stream.RemoteEnded)
        {
            Stats.Add(Worker, Http2Stats.HeadersNoStream);
            Fields.Begin(Stock.Discarded, BlockKind.Response, 0, 0);
            if (!Decoder.TryDecode(block, Fields)) return Http2Error.CompressionError;
            if (stream is { End: StreamEnd.None, RemoteEnded: true }) Reset(stream, Http2Error.StreamClosed, tell: true);
            return Http2Error.None;
        }
        var client = (Http2ClientStream)stream.Owner;
        var isTrailers = client.IsHeadFinal;
        var ends = head.Has(FrameFlags.EndStream);
        var map = client.MapFor(isTrailers);
        Fields.Begin(map, isTrailers ? BlockKind.Trailers : BlockKind.Response, MostHeadBytes, Http1Limits.Default.MaxHeaders);
        if (!Decoder.TryDecode(block, Fields)) return Http2Error.CompressionError;
        Fields.Finish();
        if (Fields.IsTooLarge)
        {
            Stats.Add(Worker, Http2Stats.HeaderOverflow);
            Reset(stream, Http2Error.ProtocolError, tell: true);
            return Http2Error.None;
        }
        if (Fields.IsMalformed || (isTrailers ? !ends || stream.ContentLeft > 0 : !client.TakeHead(map, ends, Fields.ContentLength)))
        {
            Stats.Add(Worker, Http2Stats.RxMessagingError);
            _pool.Cluster.Stats.Add(Worker, ClusterStats.CxProtocolError);
            Reset(stream, Http2Error.ProtocolError, tell: true);
            return Http2Error.None;
        }
        if (isTrailers) Stats.Add(Worker, Http2Stats.Trailers);
        if (ends) stream.EndRemote(withTrailers: isTrailers && map.Count > 0);
        else stream.WakeReader();
        return Http2Error.None;
    }

    protected override bool IsIdle(int stream) => stream % 2 == 0 || stream >= _nextId;

    protected override void OnReceived(int bytes) => _pool.Cluster.Stats.Add(Worker, ClusterStats.CxRxBytes, bytes);

    protected override void OnSent(int bytes) => _pool.Cluster.Stats.Add(Worker, ClusterStats.CxTxBytes, bytes);

    protected override void OnGoAway(int last, Http2Error error)
    {
        StopTaking();
        // What is above was not looked at and may be sent again elsewhere.
        BreakFrom(last, StreamEnd.ResetByPeer, Http2Error.RefusedStream);
    }

    protected override void OnPeerSettings() => _pool.OnRoom();

    protected override void OnClosing()
    {
        Worker.StopTimer(_idleTimer);
        _pool.Closed(this, Stream.PeerClosed);
    }

    private void Leave()
    {
        _isLeft = true;
        if (IsClosed) return;
        if (!IsLeaving) GoAway(0, Http2Error.None);
        Output.Flush();
        Close();
    }
}
