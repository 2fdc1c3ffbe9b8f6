using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http1;

/// <summary>One HTTP/1 connection from a client: reads requests one after the other and serves each. Owned by one worker.</summary>
internal sealed class Http1ServerConnection : DownstreamStream
{
    private const long LingerMs = 1000;
    private readonly DownstreamConnection _connection;
    private readonly ByteStream _stream;
    private readonly Worker _worker;
    private readonly HcmSnapshot _hcm;
    private readonly HttpExchange _exchange;
    private readonly HeaderMap _trailers = new();
    private readonly WaitTimer _waitTimer;
    private readonly ActionTimer _ageTimer;
    private ReadBuffer _input;
    private WriteBuffer _output;
    private BodyReader _body;
    private MessageFacts _facts;
    private int _bodyLength;
    private BodyKind _responseBody;
    private bool _continueOwed;
    private bool _timedOut;
    private bool _isOld;
    private long _received, _sent;

    public Http1ServerConnection(DownstreamConnection connection, HcmSnapshot hcm, ReadBuffer input, ProxyContext context)
    {
        (_connection, _stream, _worker, _hcm, _input) = (connection, connection.Stream, connection.Stream.Worker, hcm, input);
        _output = new WriteBuffer(_worker.Buffers);
        _exchange = new HttpExchange(_worker, this, context) { OriginalDestination = connection.OriginalDestination };
        _waitTimer = new WaitTimer(this);
        _ageTimer = new ActionTimer(OnAge);
        _stream.OnIdleEvent = () =>
        {
            if (_stream.PeerClosed) OnGone?.Invoke();
        };
    }

    public override BodyKind RequestBody => _facts.Body;

    public override bool IsRequestDone => _body.IsDone;

    public override bool IsHttp10 => _facts.IsHttp10;

    public override HeaderMap? RequestTrailers => _trailers is { Count: > 0 } trailers && _hcm.EnableTrailers ? trailers : null;

    public override (long Received, long Sent) Traffic => (_received, _sent);

    /// <summary>Nothing is being served: the connection may be closed without harm.</summary>
    public bool IsIdle { get; private set; }

    /// <summary>Serves until the connection is over. Closes it.</summary>
    public async Task RunAsync()
    {
        var stats = _hcm.Stats;
        stats.Add(_worker, HttpStats.CxTotal);
        stats.Add(_worker, HttpStats.CxHttp1Total);
        stats.Add(_worker, HttpStats.CxActive);
        stats.Add(_worker, HttpStats.CxHttp1Active);
        if (_hcm.MaxConnectionDurationMs > 0) _worker.StartTimer(_ageTimer, _hcm.MaxConnectionDurationMs);
        try
        {
            for (long served = 1; await ServeOneAsync(served); served++)
            {
            }
        }
        finally
        {
            _worker.StopTimer(_waitTimer);
            _worker.StopTimer(_ageTimer);
            stats.Add(_worker, HttpStats.CxActive, -1);
            stats.Add(_worker, HttpStats.CxHttp1Active, -1);
            stats.Add(_worker, HttpStats.CxDestroy);
            if (_stream.PeerClosed) stats.Add(_worker, HttpStats.CxDestroyRemote);
            _input.Release();
            _output.Release();
            _stream.Close();
        }
    }

    /// <summary>Closes an idle connection, or lets a busy one close after its response.</summary>
    public void Drain(bool closeIdle)
    {
        if (closeIdle && IsIdle) _stream.Abort();
    }

    public override void BeginTunnel() => _body.Begin(BodyKind.UntilClose, 0);

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
                    _exchange.Info.RequestEnd = _worker.Now;
                    return (ReadStatus.End, default);
                case BodyStep.Bad:
                    return (ReadStatus.Bad, default);
            }
            if (_continueOwed)
            {
                _continueOwed = false;
                _output.Append("HTTP/1.1 100 Continue\r\n\r\n"u8);
                if (!await SendAsync(default)) return (ReadStatus.Closed, default);
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

    public override void WriteInformational(HeaderMap headers, int status)
    {
        if (_facts.IsHttp10) return;
        _continueOwed = false;
        Http1Writer.Response(ref _output, headers, status, BodyKind.None, close: false, upgrade: false);
    }

    public override void BeginResponse(HeaderMap headers, int status, BodyKind body, bool close, bool upgrade)
    {
        (_continueOwed, _responseBody) = (false, upgrade ? BodyKind.UntilClose : body);
        Http1Writer.Response(ref _output, headers, status, body, close || !_facts.KeepAlive, upgrade);
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body)
    {
        if (_responseBody != BodyKind.Chunked || body.IsEmpty) return FlushAsync(body);
        _output.AppendNumber(body.Length, hex: true);
        _output.Append("\r\n"u8);
        _output.Append(body.Span);
        _output.Append("\r\n"u8);
        return FlushAsync(default);
    }

    public override ValueTask<bool> EndAsync(HeaderMap? trailers)
    {
        if (_responseBody == BodyKind.Chunked) Http1Writer.LastChunk(ref _output, _hcm.EnableTrailers ? trailers : null);
        return FlushAsync(default);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FlushAsync(ReadOnlyMemory<byte> body)
    {
        // A small body is copied behind the head: one call sends both.
        if (_output.Length > 0 && body.Length > 0 && body.Length <= _output.Room)
        {
            _output.Append(body.Span);
            body = default;
        }
        while (_output.Length > 0 || body.Length > 0)
        {
            switch (_stream.TrySend(_output.Span, body.Span, out var sent))
            {
                case IoStatus.Ok:
                    _sent += sent;
                    _exchange.Progressed();
                    _hcm.Stats.Add(_worker, HttpStats.CxTxBytes, sent);
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

    public override void AbortWaits() => _stream.Abort();

    public override void ShutdownSending() => _stream.ShutdownSending();

    /// <summary>One request and its response; false when the connection is over.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ServeOneAsync(long served)
    {
        var status = await ReadHeadAsync(served == 1);
        if (status is not ParseStatus.Done)
        {
            if (status != ParseStatus.Incomplete) await RefuseAsync(status);
            else if (_timedOut && _input.Length > 0) await RefuseAsync(ParseStatus.Incomplete);
            return false;
        }
        _exchange.Draining = _isOld || _connection.Draining || _hcm.MaxRequestsPerConnection > 0 && served >= _hcm.MaxRequestsPerConnection;
        if (!_facts.KeepAlive) _exchange.Draining = true;
        await _exchange.RunAsync(_hcm);
        if (!_exchange.MustClose && _body.IsDone && _facts.KeepAlive)
        {
            _input.ReleaseIfEmpty();
            return true;
        }
        if (_exchange.Cut != EndReason.DownstreamDisconnect) await LingerAsync();
        return false;
    }

    /// <summary>It has lasted as long as it may: closes now when nothing is served, else with the next response.</summary>
    private void OnAge()
    {
        _isOld = true;
        _hcm.Stats.Add(_worker, HttpStats.CxMaxDurationReached);
        if (IsIdle) _stream.Abort();
        else _exchange.Draining = true;
    }

    /// <summary>Waits for a request without holding a buffer, then reads its head.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ParseStatus> ReadHeadAsync(bool first)
    {
        _timedOut = false;
        IsIdle = _input.Length == 0;
        if (_connection.Draining && !first && IsIdle) return ParseStatus.Incomplete;
        var idle = IsIdle && _hcm.IdleTimeoutMs > 0;
        if (idle) _worker.StartTimer(_waitTimer, _hcm.IdleTimeoutMs);
        var begun = false;
        while (true)
        {
            if (_input.Length > 0)
            {
                if (!begun)
                {
                    begun = true;
                    IsIdle = false;
                    // Without a limit of its own a head must come within the time for which a stream may be idle.
                    var limit = _hcm.RequestHeadersTimeoutMs > 0 ? _hcm.RequestHeadersTimeoutMs : _hcm.StreamIdleTimeoutMs;
                    if (limit > 0) _worker.StartTimer(_waitTimer, limit);
                    else _worker.StopTimer(_waitTimer);
                    _connection.Describe(_exchange.Info);
                }
                var status = Http1Parser.ParseRequest(_input.Span, _hcm.Limits, _exchange.Request, ref _facts, out var consumed);
                if (status != ParseStatus.Incomplete)
                {
                    _worker.StopTimer(_waitTimer);
                    if (status == ParseStatus.Done) BeginRequest(consumed);
                    return status;
                }
            }
            var filled = await FillAsync();
            if (filled == ReadStatus.Ok) continue;
            _worker.StopTimer(_waitTimer);
            if (_timedOut && IsIdle) _hcm.Stats.Add(_worker, HttpStats.CxIdleTimeout);
            return ParseStatus.Incomplete;
        }
    }

    private void BeginRequest(int headBytes)
    {
        _input.Consume(headBytes);
        _body.Begin(_facts.Body, _facts.ContentLength);
        _trailers.Clear();
        _exchange.Info.Protocol = _facts.IsHttp10 ? "HTTP/1.0" : "HTTP/1.1";
        _continueOwed = !_hcm.Proxy100Continue && HttpText.EqualsIgnoreCase(_exchange.Request[KnownHeader.Expect], "100-continue"u8) && !_facts.IsHttp10;
        (_received, _sent) = (headBytes, 0);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RefuseAsync(ParseStatus status)
    {
        _hcm.Stats.Add(_worker, HttpStats.CxProtocolError);
        var reason = status switch
        {
            ParseStatus.Incomplete => EndReason.RequestHeaderTimeout,
            ParseStatus.TooLarge => EndReason.HeadTooLarge,
            ParseStatus.OldVersion => EndReason.OldVersion,
            ParseStatus.UnsupportedCoding => EndReason.UnsupportedCoding,
            _ => EndReason.DownstreamProtocolError,
        };
        if (reason == EndReason.HeadTooLarge) _hcm.Stats.Add(_worker, HttpStats.RqTooLarge);
        (_facts.KeepAlive, _facts.Body) = (false, BodyKind.None);
        _body.Begin(BodyKind.None, 0);
        await _exchange.RefuseAsync(_hcm, reason);
        await LingerAsync();
    }

    /// <summary>
    /// Closes so that the client can still read the answer: sends FIN, then throws away what the client sends until it
    /// closes, for a second at most. A close with unread bytes would reset the connection and the answer with it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask LingerAsync()
    {
        if (_stream.IsClosed || _stream.PeerClosed) return;
        _stream.ShutdownSending();
        _timedOut = false;
        _worker.StartTimer(_waitTimer, LingerMs);
        while (!_timedOut && await FillAsync() == ReadStatus.Ok) _input.Consume(_input.Length);
        _worker.StopTimer(_waitTimer);
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
                    _received += received;
                    _exchange.Progressed();
                    _hcm.Stats.Add(_worker, HttpStats.CxRxBytes, received);
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

    private sealed class WaitTimer(Http1ServerConnection connection) : WorkerTimer
    {
        protected internal override void OnFired()
        {
            connection._timedOut = true;
            connection._stream.Abort();
        }
    }
}
