using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http1;

/// <summary>How reading from a peer went.</summary>
internal enum ReadStatus
{
    /// <summary>What was asked for is there.</summary>
    Ok,

    /// <summary>The message is over.</summary>
    End,

    /// <summary>The peer closed or the connection broke before the end.</summary>
    Closed,

    /// <summary>What came is not HTTP.</summary>
    Bad,

    /// <summary>This side gave up waiting.</summary>
    Aborted,
}

/// <summary>One HTTP/1 connection to an upstream; one exchange at a time. Owned by one worker.</summary>
internal sealed class Http1ClientConnection : UpstreamStream
{
    private const int MostInformational = 16;
    private readonly HttpPool _pool;
    private readonly ByteStream _stream;
    private readonly HeaderMap _trailers = new();
    private readonly IdleTimer _idleTimer;
    private ReadBuffer _input;
    private WriteBuffer _output;
    private BodyReader _body;
    private MessageFacts _facts;
    private int _bodyLength;
    private bool _isIdle;
    private bool _upgraded;
    private bool _responseBegun;
    private BodyKind _requestBody;
    private int _informational;

    public Http1ClientConnection(HttpPool pool, ByteStream stream)
    {
        (_pool, _stream) = (pool, stream);
        _input = new ReadBuffer(pool.Worker.Buffers);
        _output = new WriteBuffer(pool.Worker.Buffers);
        _idleTimer = new IdleTimer(this);
        LocalAddress = Interop.NativeSocket.LocalAddress(stream.Fd);
        stream.OnIdleEvent = OnIdleEvent;
    }

    /// <summary>Requests that were begun on it.</summary>
    public int Requests { get; private set; }

    public override SocketAddress LocalAddress { get; }

    public ByteStream Stream => _stream;

    public override bool ResponseBegun => _responseBegun;

    public override TlsFacts? Tls => _stream.Tls;

    public override bool WasReused => Requests > 1;

    /// <summary>Response bytes, framing included.</summary>
    public long BytesReceived { get; private set; }

    public override bool IsResponseDone => _body.IsDone;

    public override HeaderMap? ResponseTrailers => _trailers.Count > 0 && _pool.Cluster.Snapshot.EnableTrailers ? _trailers : null;

    public override void BeginRequest(HeaderMap headers, BodyKind body, bool upgrade)
    {
        Requests++;
        (_responseBegun, _upgraded, _requestBody, _informational) = (false, false, body, 0);
        _trailers.Clear();
        Http1Writer.Request(ref _output, headers, body, upgrade);
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body)
    {
        if (_requestBody != BodyKind.Chunked || body.IsEmpty) return FlushAsync(body);
        // The chunk is copied behind its size line: it is never larger than one buffer.
        _output.AppendNumber(body.Length, hex: true);
        _output.Append("\r\n"u8);
        _output.Append(body.Span);
        _output.Append("\r\n"u8);
        return FlushAsync(default);
    }

    public override ValueTask<bool> EndAsync(HeaderMap? trailers)
    {
        if (_requestBody == BodyKind.Chunked) Http1Writer.LastChunk(ref _output, _pool.Cluster.Snapshot.EnableTrailers ? trailers : null);
        return FlushAsync(default);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FlushAsync(ReadOnlyMemory<byte> body)
    {
        while (_output.Length > 0 || body.Length > 0)
        {
            switch (_stream.TrySend(_output.Span, body.Span, out var sent))
            {
                case IoStatus.Ok:
                    _pool.Cluster.Stats.Add(_pool.Worker, ClusterStats.CxTxBytes, sent);
                    var fromOutput = Math.Min(sent, _output.Length);
                    if (fromOutput > 0) _output.Consume(fromOutput);
                    body = body[(sent - fromOutput)..];
                    break;
                case IoStatus.WouldBlock:
                    if (!await _stream.WritableAsync()) return false;
                    break;
                default:
                    return false;
            }
        }
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<(ReadStatus Status, int Code, BodyKind Body)> ReadHeadAsync(HeaderMap response, bool answersHead, bool upgrade)
    {
        while (true)
        {
            if (_input.Length > 0)
            {
                _responseBegun = true;
                var status = Http1Parser.ParseResponse(_input.Span, Http1Limits.Default, answersHead, response, ref _facts, out var consumed);
                if (status == ParseStatus.Done)
                {
                    _input.Consume(consumed);
                    if (_facts.Status == 101 && upgrade)
                    {
                        _upgraded = true;
                        _body.Begin(BodyKind.UntilClose, 0);
                        return (ReadStatus.Ok, 101, BodyKind.UntilClose);
                    }
                    if (_facts.Status < 200)
                        return _facts.Status == 101 || ++_informational > MostInformational ? (ReadStatus.Bad, 0, BodyKind.None) : (ReadStatus.Ok, _facts.Status, BodyKind.None);
                    _body.Begin(_facts.Body, _facts.ContentLength);
                    return (ReadStatus.Ok, _facts.Status, _facts.Body);
                }
                if (status != ParseStatus.Incomplete) return (ReadStatus.Bad, 0, BodyKind.None);
            }
            if (await FillAsync() is var filled and not ReadStatus.Ok) return (filled == ReadStatus.End ? ReadStatus.Closed : filled, 0, BodyKind.None);
        }
    }

    public override bool HasBodyBytes => _input.Length > 0;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync()
    {
        while (true)
        {
            var step = _body.Next(_input.Span, _trailers, out var consumed, out var length);
            _input.Consume(consumed - length);
            switch (step)
            {
                case BodyStep.Data:
                    _bodyLength = length;
                    return (ReadStatus.Ok, _input.Memory[..length]);
                case BodyStep.End:
                    return (ReadStatus.End, default);
                case BodyStep.Bad:
                    return (ReadStatus.Bad, default);
            }
            var filled = await FillAsync();
            if (filled == ReadStatus.Ok) continue;
            if (filled == ReadStatus.End && _body.EndOfInput()) return (ReadStatus.End, default);
            return (filled == ReadStatus.End ? ReadStatus.Closed : filled, default);
        }
    }

    public override void Advance()
    {
        _input.Consume(_bodyLength);
        _bodyLength = 0;
    }

    /// <summary>
    /// Gives the connection back when its exchange was whole and both sides keep it open, else closes it.
    /// </summary>
    public override void Release(bool requestComplete)
    {
        if (requestComplete && _body.IsDone && _facts.KeepAlive && !_upgraded && _facts.Body != BodyKind.UntilClose && _input.Length == 0 && _output.Length == 0 && !_stream.PeerClosed)
        {
            _input.Release();
            _pool.Return(this);
        }
        else Close();
    }

    public override void Abort() => _stream.Abort();

    public override void ShutdownSending() => _stream.ShutdownSending();

    public override void Close()
    {
        if (_stream.IsClosed) return;
        var byPeer = _stream.PeerClosed;
        _pool.Worker.StopTimer(_idleTimer);
        _isIdle = false;
        _stream.Close();
        _input.Release();
        _output.Release();
        _pool.Closed(byPeer);
    }

    internal void Idle(long timeoutMs)
    {
        _isIdle = true;
        if (timeoutMs > 0) _pool.Worker.StartTimer(_idleTimer, timeoutMs);
    }

    /// <summary>Takes it out of idleness; false when it was closed meanwhile.</summary>
    internal bool Reuse()
    {
        if (_stream.IsClosed) return false;
        _isIdle = false;
        _pool.Worker.StopTimer(_idleTimer);
        return true;
    }

    /// <summary>Anything that comes on an idle connection ends it: there was no request for it.</summary>
    private void OnIdleEvent()
    {
        if (_isIdle) Close();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadStatus> FillAsync()
    {
        while (true)
        {
            switch (_stream.TryReceive(_input.Space(), out var received))
            {
                case IoStatus.Ok:
                    _input.Added(received);
                    BytesReceived += received;
                    _pool.Cluster.Stats.Add(_pool.Worker, ClusterStats.CxRxBytes, received);
                    return ReadStatus.Ok;
                case IoStatus.End:
                    return ReadStatus.End;
                case IoStatus.Failed:
                    return ReadStatus.Closed;
            }
            _input.ReleaseIfEmpty();
            if (!await _stream.ReadableAsync()) return ReadStatus.Aborted;
        }
    }

    private sealed class IdleTimer(Http1ClientConnection connection) : WorkerTimer
    {
        protected internal override void OnFired() => connection.Close();
    }
}
