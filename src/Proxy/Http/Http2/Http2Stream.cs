using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>How a stream ended before both sides had said all.</summary>
internal enum StreamEnd
{
    None,
    ResetByPeer,
    ResetByUs,
    ConnectionLost,
}

/// <summary>Told what happens to a stream.</summary>
internal interface IStreamOwner
{
    /// <summary>The stream is over before its end. Nothing may be done with the stream after this call.</summary>
    void OnBroken();
}

/// <summary>
/// One stream of a connection, either side: windows, waiting bytes, who has said all. Reused for another stream later. Owned by one
/// worker. Source: RFC 9113 section 5.
/// </summary>
internal sealed class Http2Stream(IStreamOwner owner)
{
    private readonly Signal _reading = new();
    private readonly Signal _writing = new();
    private BufferQueue _received;
    private Http2Connection _connection = null!;
    private HeaderMap? _trailers;
    private int _taken;
    private int _owed;

    public int Id { get; private set; }

    public Http2Connection Connection => _connection;

    public IStreamOwner Owner => owner;

    /// <summary>Bytes that the peer takes now.</summary>
    public long SendWindow { get; set; }

    /// <summary>Bytes that the peer may still send.</summary>
    public long ReceiveWindow { get; private set; }

    public bool RemoteEnded { get; private set; }

    public bool LocalEnded { get; set; }

    public StreamEnd End { get; private set; }

    /// <summary>Why it was reset.</summary>
    public Http2Error Error { get; private set; }

    /// <summary>When it was opened, in the worker's milliseconds.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>It waits in the connection's line of streams that want to send.</summary>
    public bool IsInLine { get; set; }

    /// <summary>Bytes of the announced length that have not come; negative when no length was announced.</summary>
    public long ContentLeft { get; set; }

    /// <summary>All waits on it end at once from now on.</summary>
    public bool IsAborted { get; set; }

    public bool HasBytes => _received.Length > 0;

    public bool HasTrailers { get; private set; }

    /// <summary>The trailers that came; empty when none did.</summary>
    public HeaderMap Trailers => _trailers ??= new HeaderMap();

    public bool IsReading { get; private set; }

    public void Open(Http2Connection connection, int id, long sendWindow)
    {
        (_connection, Id, SendWindow, ReceiveWindow) = (connection, id, sendWindow, connection.Options.StreamWindow);
        (RemoteEnded, LocalEnded, End, Error, OpenedAt) = (false, false, StreamEnd.None, Http2Error.None, connection.Worker.Now);
        (ContentLeft, IsAborted, HasTrailers, _taken, _owed) = (-1, false, false, 0, 0);
    }

    /// <summary>A part of a DATA frame's content.</summary>
    public void Receive(ReadOnlySpan<byte> data)
    {
        _received.Append(_connection.Worker.Buffers, data);
        if (ContentLeft > 0) ContentLeft -= data.Length;
        _reading.Complete(true);
    }

    /// <summary>Counts a DATA frame against the window; false when it is more than was allowed.</summary>
    public bool TryTakeWindow(int length)
    {
        ReceiveWindow -= length;
        return ReceiveWindow >= 0;
    }

    /// <summary>The peer has said all.</summary>
    public void EndRemote(bool withTrailers)
    {
        (RemoteEnded, HasTrailers) = (true, withTrailers);
        _reading.Complete(true);
    }

    /// <summary>Wakes who waits for the response's head.</summary>
    public void WakeReader() => _reading.Complete(true);

    /// <summary>Waits until something comes; false when the wait was ended or the stream is over.</summary>
    public ValueTask<bool> WaitForPeerAsync()
    {
        if (End != StreamEnd.None || IsAborted) return new ValueTask<bool>(false);
        IsReading = true;
        return _reading.Wait();
    }

    /// <summary>The next stretch of the body, valid until <see cref="Advance"/>.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (true)
        {
            if (End != StreamEnd.None) return (Broken, default);
            if (_received.Length > 0)
            {
                var first = _received.First;
                _taken = first.Length;
                return (ReadStatus.Ok, first);
            }
            if (RemoteEnded) return (ReadStatus.End, default);
            if (!await WaitForPeerAsync()) return (End != StreamEnd.None ? Broken : ReadStatus.Aborted, default);
        }
    }

    /// <summary>What a reader is told when the stream is over.</summary>
    public ReadStatus Broken => End == StreamEnd.ResetByUs && Error is Http2Error.ProtocolError or Http2Error.FlowControlError ? ReadStatus.Bad : ReadStatus.Closed;

    /// <summary>The last stretch is dealt with: the peer may send as much again, once half of the window is used.</summary>
    public void Advance()
    {
        if (_taken == 0) return;
        var count = _taken;
        _taken = 0;
        if (_received.Length < count) return;
        _received.Consume(_connection.Worker.Buffers, count);
        _owed += count;
        if (!RemoteEnded && End == StreamEnd.None && _owed >= _connection.Options.StreamWindow / 2)
        {
            _connection.SendWindowUpdate(Id, _owed);
            ReceiveWindow += _owed;
            _owed = 0;
        }
        _connection.Credit(count);
    }

    /// <summary>Sends a stretch of the body as far as both windows and the socket allow, and waits for more. False when the stream is over or the wait was ended.</summary>
    public ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data)
    {
        if (End != StreamEnd.None || IsAborted || LocalEnded) return new ValueTask<bool>(false);
        if (data.IsEmpty) return new ValueTask<bool>(true);
        if (_connection.CanSend(this) >= data.Length)
        {
            _connection.SendData(this, data.Span);
            return new ValueTask<bool>(true);
        }
        return SendSlowlyAsync(data);
    }

    /// <summary>Waits for its turn to send.</summary>
    public ValueTask<bool> WaitToSendAsync()
    {
        _connection.Queue(this);
        return _writing.Wait();
    }

    /// <summary>Its turn to send has come, or will not come any more.</summary>
    public void WakeWriter(bool go) => _writing.Complete(go);

    /// <summary>Ends both waits; the stream itself goes on.</summary>
    public void EndWaits()
    {
        _reading.Complete(false);
        _writing.Complete(false);
    }

    /// <summary>Ends the stream before its end; tells the owner, unless the owner itself did it.</summary>
    public void Break(StreamEnd end, Http2Error error, bool tell)
    {
        if (End != StreamEnd.None) return;
        (End, Error) = (end, error);
        _connection.Credit(_received.Release(_connection.Worker.Buffers));
        _taken = 0;
        EndWaits();
        if (tell) owner.OnBroken();
    }

    /// <summary>Gives back what was not read. The stream may be opened again.</summary>
    public void Close()
    {
        _connection.Credit(_received.Release(_connection.Worker.Buffers));
        _taken = 0;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> SendSlowlyAsync(ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (End != StreamEnd.None || IsAborted || LocalEnded) return false;
            var allowed = Math.Min(_connection.CanSend(this), data.Length);
            if (allowed <= 0)
            {
                if (!await WaitToSendAsync()) return false;
                continue;
            }
            _connection.SendData(this, data.Span[..(int)allowed]);
            data = data[(int)allowed..];
        }
        return true;
    }
}
