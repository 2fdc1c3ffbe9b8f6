using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
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
internal sealed class Http1ClientConnection
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

    public SocketAddress LocalAddress { get; }

    public ByteStream Stream => _stream;

    /// <summary>At least one byte of the response has come.</summary>
    public bool ResponseBegun { get; private set; }

    /// <summary>A request was sent on a connection that had served before: a reset may mean that the upstream had just closed it.</summary>
    public bool WasReused => Requests > 1;

    /// <summary>Response bytes, framing included.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>The head of the response has been read and its body is over.</summary>
    public bool IsResponseDone => _body.IsDone;

    /// <summary>Puts the request's head into the output; it goes out with the first body bytes or the next flush.</summary>
    public void BeginRequest(HeaderMap headers, BodyKind body, bool upgrade)
    {
        Requests++;
        (ResponseBegun, _upgraded) = (false, false);
        Http1Writer.Request(ref _output, headers, body, upgrade);
    }

    /// <summary>Sends what is in the output, and more bytes behind it. False when the connection is broken or the wait was aborted.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body)
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

    /// <summary>Sends one chunk of a chunked request.</summary>
    public ValueTask<bool> SendChunkAsync(ReadOnlyMemory<byte> data)
    {
        // The chunk is copied behind its size line: it is never larger than one buffer.
        _output.AppendNumber(data.Length, hex: true);
        _output.Append("\r\n"u8);
        _output.Append(data.Span);
        _output.Append("\r\n"u8);
        return SendAsync(default);
    }

    public ValueTask<bool> SendLastChunkAsync()
    {
        _output.Append("0\r\n\r\n"u8);
        return SendAsync(default);
    }

    /// <summary>
    /// Reads the response's head; informational responses are passed over, but for 101 to an upgrade.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(ReadStatus Status, int Code, BodyKind Body)> ReadHeadAsync(HeaderMap response, bool answersHead, bool upgrade)
    {
        for (var informational = 0; informational <= MostInformational;)
        {
            if (_input.Length > 0)
            {
                ResponseBegun = true;
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
                    {
                        if (_facts.Status == 101) return (ReadStatus.Bad, 0, BodyKind.None);
                        informational++;
                        continue;
                    }
                    _body.Begin(_facts.Body, _facts.ContentLength);
                    return (ReadStatus.Ok, _facts.Status, _facts.Body);
                }
                if (status != ParseStatus.Incomplete) return (ReadStatus.Bad, 0, BodyKind.None);
            }
            if (await FillAsync() is var filled and not ReadStatus.Ok) return (filled == ReadStatus.End ? ReadStatus.Closed : filled, 0, BodyKind.None);
        }
        return (ReadStatus.Bad, 0, BodyKind.None);
    }

    /// <summary>A stretch of the body is there without waiting.</summary>
    public bool HasBodyBytes => _input.Length > 0;

    /// <summary>
    /// The next stretch of the response's body, valid until <see cref="Advance"/>.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync()
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

    /// <summary>The last stretch of body bytes is dealt with.</summary>
    public void Advance()
    {
        _input.Consume(_bodyLength);
        _bodyLength = 0;
    }

    /// <summary>
    /// Gives the connection back when its exchange was whole and both sides keep it open, else closes it.
    /// </summary>
    public void Release(bool requestComplete)
    {
        if (requestComplete && _body.IsDone && _facts.KeepAlive && !_upgraded && _facts.Body != BodyKind.UntilClose && _input.Length == 0 && _output.Length == 0 && !_stream.PeerClosed)
        {
            _input.Release();
            _pool.Return(this);
        }
        else Close();
    }

    /// <summary>Ends every wait on it.</summary>
    public void Abort() => _stream.Abort();

    public void Close()
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
