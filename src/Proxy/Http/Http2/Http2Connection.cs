using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http2.Hpack;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>
/// What both ends of an HTTP/2 connection have in common: frames in and out, settings, windows, pings, and the ways in which it
/// ends. Owned by one worker. Source: RFC 9113.
/// </summary>
internal abstract class Http2Connection
{
    private const long LingerMs = 1000;
    private const ulong KeepAlivePing = 0x4b65657041737765;
    private const int RememberedEnds = 64;
    private readonly Queue<Http2Stream> _line = new();
    private readonly List<Http2Stream> _breaking = [];
    private readonly int[] _ended = new int[RememberedEnds];
    private readonly ActionTimer _pingTimer;
    private readonly ActionTimer _lingerTimer;
    private HpackEncoder _encoder;
    private ByteBuilder? _block;
    private FrameHeader _blockHead;
    private FrameHeader _data;
    private ReadBuffer _input;
    private FloodGuard _guard;
    private long _sendWindow = 65535;
    private long _receiveWindow;
    private long _peerStreamWindow = 65535;
    private int _owed;
    private int _endedAt;
    private int _dataLeft = -1;
    private int _paddingLeft;
    private bool _prefaceSeen;
    private bool _settingsSeen;
    private bool _pingOut;
    private bool _leaving;
    private bool _lingering;

    protected Http2Connection(ByteStream stream, Http2Options options, Http2Stats stats, Http2Stock stock, ReadBuffer input)
    {
        (Stream, Options, Stats, Stock, _input) = (stream, options, stats, stock, input);
        Output = new Http2Output(stream, Worker, OnSent, ServeLine);
        Decoder = new HpackDecoder(options.TableSize, stock.Scratch);
        _receiveWindow = options.ConnectionWindow;
        _pingTimer = new ActionTimer(OnPingTimer);
        _lingerTimer = new ActionTimer(stream.Abort);
    }

    public ByteStream Stream { get; }

    public Worker Worker => Stream.Worker;

    public Http2Options Options { get; }

    public Http2Stats Stats { get; }

    /// <summary>The connection is over.</summary>
    public bool IsClosed { get; private set; }

    protected Http2Stock Stock { get; }

    protected Http2Output Output { get; }

    protected HpackDecoder Decoder { get; }

    protected FieldReader Fields => Stock.Fields;

    protected Dictionary<int, Http2Stream> Streams { get; } = [];

    /// <summary>Highest stream that the peer has opened.</summary>
    protected int LastPeerStream { get; set; }

    /// <summary>GOAWAY has said that nothing new is taken; what is open goes on.</summary>
    protected bool IsLeaving => _leaving;

    /// <summary>Streams were opened and have not ended on both sides.</summary>
    public int ActiveStreams => Streams.Count;

    /// <summary>The last HEADERS frame made its stream depend on itself.</summary>
    protected bool IsSelfDependent { get; private set; }

    protected long PeerMaxStreams { get; private set; } = long.MaxValue;

    protected bool PeerAllowsConnect { get; private set; }

    /// <summary>What the peer must send before its first frame.</summary>
    protected abstract ReadOnlySpan<byte> ExpectedPreface { get; }

    /// <summary>The largest header block that is kept.</summary>
    protected abstract int MostHeadBytes { get; }

    /// <summary>A whole header block.</summary>
    protected abstract Http2Error OnBlock(in FrameHeader head, ReadOnlySpan<byte> block);

    /// <summary>A frame for a stream that was never opened.</summary>
    protected abstract bool IsIdle(int stream);

    protected abstract void OnReceived(int bytes);

    protected abstract void OnSent(int bytes);

    protected virtual void OnGoAway(int last, Http2Error error)
    {
    }

    protected virtual void OnPingAnswered(ulong data)
    {
    }

    protected virtual void OnPeerSettings()
    {
    }

    /// <summary>The peer does what no peer should need to do so often.</summary>
    protected virtual void OnTooManyResets()
    {
    }

    /// <summary>Bytes that a stream may send now; 0 or less when it must wait.</summary>
    public long CanSend(Http2Stream stream) => Output.IsBlocked ? 0 : Math.Min(Math.Min(stream.SendWindow, _sendWindow), Frames.DefaultMaxSize);

    public void SendData(Http2Stream stream, ReadOnlySpan<byte> data)
    {
        stream.SendWindow -= data.Length;
        _sendWindow -= data.Length;
        _guard.DataSent++;
        Output.Data(stream.Id, data, end: false);
    }

    /// <summary>Says that a stream has nothing more to send.</summary>
    public void EndStream(Http2Stream stream)
    {
        stream.LocalEnded = true;
        Output.EndData(stream.Id);
    }

    /// <summary>Puts a stream into the line of those that want to send.</summary>
    public void Queue(Http2Stream stream)
    {
        if (stream.IsInLine) return;
        stream.IsInLine = true;
        _line.Enqueue(stream);
    }

    public void SendWindowUpdate(int stream, int bytes) => Output.Frame(FrameType.WindowUpdate, FrameFlags.None, stream, (uint)bytes);

    /// <summary>Bytes of any stream are dealt with: the peer may send as many again, once half of the window is used.</summary>
    public void Credit(int bytes)
    {
        _owed += bytes;
        if (_owed < Options.ConnectionWindow / 2 || IsClosed) return;
        SendWindowUpdate(0, _owed);
        _receiveWindow += _owed;
        _owed = 0;
    }

    /// <summary>Ends a stream by a reset.</summary>
    public void Reset(Http2Stream stream, Http2Error error, bool tell)
    {
        if (stream.End != StreamEnd.None) return;
        SendReset(stream.Id, error);
        stream.Break(StreamEnd.ResetByUs, error, tell);
    }

    /// <summary>Waits until a frame has come for a long time are over: begins to send pings, when the settings ask for them.</summary>
    protected void StartPings()
    {
        if (Options.PingIntervalMs > 0) Worker.StartTimer(_pingTimer, Options.PingIntervalMs);
    }

    protected void Ping(ulong data)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, data);
        Output.Frame(FrameType.Ping, FrameFlags.None, 0, payload);
    }

    /// <summary>Sends a ping whose answer must come in time, unless one is out.</summary>
    protected void CheckAlive()
    {
        if (_pingOut || Options.PingTimeoutMs == 0) return;
        _pingOut = true;
        Ping(KeepAlivePing);
        Worker.StartTimer(_pingTimer, Options.PingTimeoutMs);
    }

    protected void SendSettings(ReadOnlySpan<(SettingId Id, uint Value)> settings)
    {
        Span<byte> payload = stackalloc byte[6 * settings.Length];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload[(6 * i)..], (ushort)settings[i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload[(6 * i + 2)..], settings[i].Value);
        }
        Output.Frame(FrameType.Settings, FrameFlags.None, 0, payload);
        if (Options.ConnectionWindow > 65535) SendWindowUpdate(0, Options.ConnectionWindow - 65535);
    }

    /// <summary>Begins a header block; the caller appends fields.</summary>
    protected internal ByteBuilder BeginBlock()
    {
        Stock.Block.Clear();
        _encoder.Begin(Stock.Block);
        return Stock.Block;
    }

    /// <summary>Sends the block that was begun last, in as many frames as it needs.</summary>
    protected internal void SendBlock(int stream, bool endStream)
    {
        var block = Stock.Block.Span;
        var flags = endStream ? FrameFlags.EndStream : FrameFlags.None;
        if (block.Length <= Frames.DefaultMaxSize)
        {
            Output.Frame(FrameType.Headers, flags | FrameFlags.EndHeaders, stream, block);
            return;
        }
        Output.Frame(FrameType.Headers, flags, stream, block[..Frames.DefaultMaxSize]);
        for (block = block[Frames.DefaultMaxSize..]; !block.IsEmpty;)
        {
            var part = block[..Math.Min(block.Length, Frames.DefaultMaxSize)];
            block = block[part.Length..];
            Output.Frame(FrameType.Continuation, block.IsEmpty ? FrameFlags.EndHeaders : FrameFlags.None, stream, part);
        }
    }

    /// <summary>Opens the bookkeeping of a stream.</summary>
    protected void Add(Http2Stream stream, int id)
    {
        stream.Open(this, id, _peerStreamWindow);
        Streams.Add(id, stream);
        _guard.Opened++;
        Stats.Add(Worker, Http2Stats.StreamsActive);
    }

    /// <summary>Forgets a stream; frames for it that are still on their way are ignored.</summary>
    protected void Remove(Http2Stream stream)
    {
        if (!Streams.Remove(stream.Id)) return;
        Remember(stream.Id, stream.End == StreamEnd.ResetByUs);
        stream.Close();
        Stats.Add(Worker, Http2Stats.StreamsActive, -1);
    }

    /// <summary>Remembers that a stream has ended, so that late frames of it are told from wrong ones.</summary>
    protected void Remember(int stream, bool resetByUs) => _ended[_endedAt++ & (RememberedEnds - 1)] = resetByUs ? -stream : stream;

    /// <summary>Says that no new streams are taken, but for those up to a number.</summary>
    protected void GoAway(int last, Http2Error error, ReadOnlySpan<byte> debug = default)
    {
        _leaving = true;
        Stats.Add(Worker, Http2Stats.GoAwaySent);
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, last);
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)error);
        Output.Frame(FrameType.GoAway, FrameFlags.None, 0, payload, debug);
    }

    /// <summary>
    /// Closes so that the peer can still read what was sent: sends FIN, then waits for the peer's, for a second at most.
    /// </summary>
    protected void CloseGently()
    {
        if (_lingering) return;
        _lingering = true;
        Output.Flush();
        if (!Output.IsBlocked) Stream.ShutdownSending();
        Worker.StartTimer(_lingerTimer, LingerMs);
    }

    /// <summary>Reads and serves frames until the connection is over. Closes it.</summary>
    protected async Task ReadToEndAsync()
    {
        try
        {
            while (true)
            {
                if (_lingering) _input.Consume(_input.Length);
                else if (ReadFrames() is var error and not Http2Error.None) Fail(error);
                else if (FloodGuard.Outbound(Output, Options) is not null)
                {
                    Output.Flush();
                    if (FloodGuard.Outbound(Output, Options) is { } flood)
                    {
                        Stats.Add(Worker, flood);
                        return;
                    }
                }
                if (Output.IsBroken || !await FillAsync()) return;
            }
        }
        finally
        {
            Close();
        }
    }

    /// <summary>Closes the connection; its streams end.</summary>
    protected void Close()
    {
        if (IsClosed) return;
        IsClosed = true;
        Worker.StopTimer(_pingTimer);
        Worker.StopTimer(_lingerTimer);
        OnClosing();
        _input.Release();
        Output.Release();
        Stream.Close();
        BreakFrom(0, StreamEnd.ConnectionLost, Http2Error.Cancel);
        foreach (var waiting in _line) waiting.IsInLine = false;
        _line.Clear();
    }

    protected virtual void OnClosing()
    {
    }

    /// <summary>Ends the streams above a number.</summary>
    protected void BreakFrom(int above, StreamEnd end, Http2Error error)
    {
        _breaking.Clear();
        foreach (var (id, stream) in Streams)
            if (id > above)
                _breaking.Add(stream);
        // The owner of each may remove it: the list is a copy.
        foreach (var stream in _breaking.ToArray()) stream.Break(end, error, tell: true);
        _breaking.Clear();
    }

    private void Fail(Http2Error error)
    {
        GoAway(LastPeerStream, error);
        CloseGently();
        BreakFrom(0, StreamEnd.ConnectionLost, error);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FillAsync()
    {
        while (!IsClosed)
        {
            switch (Stream.TryReceive(_input.Space(), out var received))
            {
                case IoStatus.Ok:
                    _input.Added(received);
                    OnReceived(received);
                    return true;
                case IoStatus.End or IoStatus.Failed:
                    return false;
            }
            _input.ReleaseIfEmpty();
            if (!await Stream.ReadableAsync()) return false;
        }
        return false;
    }

    private Http2Error ReadFrames()
    {
        while (!IsClosed && !_lingering)
        {
            if (!_prefaceSeen)
            {
                var preface = ExpectedPreface;
                var shared = Math.Min(preface.Length, _input.Length);
                if (!_input.Span[..shared].SequenceEqual(preface[..shared])) return Http2Error.ProtocolError;
                if (shared < preface.Length) return Http2Error.None;
                _input.Consume(shared);
                _prefaceSeen = true;
            }
            if (_dataLeft >= 0)
            {
                if (!ReadData()) return Http2Error.None;
                continue;
            }
            if (_input.Length < FrameHeader.Size) return Http2Error.None;
            var head = FrameHeader.Read(_input.Span);
            if (Frames.Check(head) is var wrong and not Http2Error.None) return wrong;
            if (!_settingsSeen && head.Type != FrameType.Settings || _block is { Length: > 0 } && (head.Type != FrameType.Continuation || head.Stream != _blockHead.Stream))
                return Http2Error.ProtocolError;
            if (head.Type == FrameType.Data)
            {
                // The pad length is part of the payload.
                if (head.Has(FrameFlags.Padded) && head.Length > 0 && _input.Length < FrameHeader.Size + 1) return Http2Error.None;
                if (BeginData(head) is var failed and not Http2Error.None) return failed;
                continue;
            }
            if (_input.Length < FrameHeader.Size + head.Length) return Http2Error.None;
            // The bytes stay where they are until more is received.
            var payload = _input.Span.Slice(FrameHeader.Size, head.Length);
            _input.Consume(FrameHeader.Size + head.Length);
            if (OnFrame(head, payload) is var error and not Http2Error.None) return error;
        }
        return Http2Error.None;
    }

    private Http2Error OnFrame(in FrameHeader head, ReadOnlySpan<byte> payload) => head.Type switch
    {
        FrameType.Headers => OnHeaders(head, payload),
        FrameType.Continuation => OnContinuation(head, payload),
        FrameType.Priority => OnPriority(head, payload),
        FrameType.RstStream => OnReset(head, Frames.ReadError(payload)),
        FrameType.Settings => OnSettings(head, payload),
        FrameType.PushPromise => Http2Error.ProtocolError,
        FrameType.Ping => OnPing(head, payload),
        FrameType.GoAway => OnGoAway(payload),
        FrameType.WindowUpdate => OnWindowUpdate(head, payload),
        _ => Http2Error.None,
    };

    private Http2Error BeginData(in FrameHeader head)
    {
        var padding = 0;
        var content = head.Length;
        if (head.Has(FrameFlags.Padded))
        {
            if (head.Length == 0) return Http2Error.FrameSizeError;
            padding = _input.Span[FrameHeader.Size];
            content -= 1 + padding;
            if (content < 0) return Http2Error.ProtocolError;
        }
        if (IsIdle(head.Stream)) return Http2Error.ProtocolError;
        if (!_guard.OnContent(head.Length == 0 && !head.Has(FrameFlags.EndStream), Options)) return Flood(Http2Stats.EmptyFramesFlood);
        _receiveWindow -= head.Length;
        if (_receiveWindow < 0) return Http2Error.FlowControlError;
        _input.Consume(FrameHeader.Size + (head.Has(FrameFlags.Padded) ? 1 : 0));
        (_data, _dataLeft, _paddingLeft) = (head, content, padding);
        Streams.TryGetValue(head.Stream, out var stream);
        // What is not content counts against the windows all the same, and is dealt with at once.
        if (head.Length > content) Credit(head.Length - content);
        if (stream is null || stream.End != StreamEnd.None || stream.RemoteEnded)
        {
            if (stream is { End: StreamEnd.None, RemoteEnded: true })
            {
                if (stream.LocalEnded) SendReset(head.Stream, Http2Error.StreamClosed);
                else Reset(stream, Http2Error.StreamClosed, tell: true);
            }
            else if (stream is null && !WasResetByUs(head.Stream)) SendReset(head.Stream, Http2Error.StreamClosed);
            Credit(content);
            _data = head with { Stream = 0 };
            return Http2Error.None;
        }
        if (!stream.TryTakeWindow(head.Length)) Reset(stream, Http2Error.FlowControlError, tell: true);
        else if (stream.ContentLeft >= 0 && (content > stream.ContentLeft || head.Has(FrameFlags.EndStream) && content != stream.ContentLeft)) Malformed(stream);
        return Http2Error.None;
    }

    /// <summary>Gives what is there of a DATA frame to its stream; false when more must come.</summary>
    private bool ReadData()
    {
        if (_dataLeft > 0)
        {
            if (_input.Length == 0) return false;
            var part = Math.Min(_dataLeft, _input.Length);
            var bytes = _input.Span[..part];
            _input.Consume(part);
            _dataLeft -= part;
            if (_data.Stream != 0)
            {
                if (Streams.TryGetValue(_data.Stream, out var stream) && stream.End == StreamEnd.None) stream.Receive(bytes);
                else Credit(part);
            }
            if (_dataLeft > 0) return false;
        }
        if (_paddingLeft > 0)
        {
            var part = Math.Min(_paddingLeft, _input.Length);
            _input.Consume(part);
            _paddingLeft -= part;
            if (_paddingLeft > 0) return false;
        }
        _dataLeft = -1;
        if (_data.Has(FrameFlags.EndStream) && _data.Stream != 0 && Streams.TryGetValue(_data.Stream, out var ended) && ended.End == StreamEnd.None) ended.EndRemote(withTrailers: false);
        return true;
    }

    private Http2Error OnHeaders(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (!Frames.TryUnwrap(head, payload, out var block, out var dependsOn)) return Http2Error.ProtocolError;
        _guard.OnHeaders();
        if (!_guard.OnContent(block.IsEmpty && !head.Has(FrameFlags.EndStream) && !head.Has(FrameFlags.EndHeaders), Options)) return Flood(Http2Stats.EmptyFramesFlood);
        IsSelfDependent = dependsOn == head.Stream;
        if (head.Has(FrameFlags.EndHeaders)) return OnBlock(head, block);
        _block ??= new ByteBuilder();
        _blockHead = head;
        // A marker keeps the length above zero: the next frame must be a CONTINUATION even when this one was empty.
        _block.Append((byte)0);
        _block.Append(block);
        return Http2Error.None;
    }

    private Http2Error OnContinuation(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (_block is not { Length: > 0 }) return Http2Error.ProtocolError;
        if (!_guard.OnContent(payload.IsEmpty && !head.Has(FrameFlags.EndHeaders), Options)) return Flood(Http2Stats.EmptyFramesFlood);
        _block.Append(payload);
        // More than this cannot be kept to its end, and without its end the table is lost.
        if (_block.Length > MostHeadBytes * 2 + Frames.DefaultMaxSize || !_guard.OnContinuation(_block.Length)) return Flood(Http2Stats.HeaderOverflow);
        if (!head.Has(FrameFlags.EndHeaders)) return Http2Error.None;
        var error = OnBlock(_blockHead, _block.Span[1..]);
        _block = null;
        return error;
    }

    private Http2Error OnPriority(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (!_guard.OnPriority(Options)) return Flood(Http2Stats.PriorityFramesFlood);
        if (Frames.ReadStream(payload) == head.Stream)
        {
            if (Streams.TryGetValue(head.Stream, out var stream)) Reset(stream, Http2Error.ProtocolError, tell: true);
            else SendReset(head.Stream, Http2Error.ProtocolError);
        }
        return Http2Error.None;
    }

    private Http2Error OnReset(in FrameHeader head, Http2Error error)
    {
        if (IsIdle(head.Stream)) return Http2Error.ProtocolError;
        Stats.Add(Worker, Http2Stats.RxReset);
        if (!Streams.TryGetValue(head.Stream, out var stream)) return Http2Error.None;
        var lifetime = Worker.Now - stream.OpenedAt;
        stream.Break(StreamEnd.ResetByPeer, error, tell: true);
        return CountReset(lifetime);
    }

    /// <summary>Counts a stream that the peer has spoilt.</summary>
    protected Http2Error CountReset(long lifetimeMs)
    {
        if (_guard.OnReset(lifetimeMs)) return Http2Error.None;
        OnTooManyResets();
        return Http2Error.EnhanceYourCalm;
    }

    private Http2Error OnSettings(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (head.Has(FrameFlags.Ack)) return _settingsSeen ? Http2Error.None : Http2Error.ProtocolError;
        _settingsSeen = true;
        for (; !payload.IsEmpty; payload = payload[6..])
        {
            var (id, value) = Frames.ReadSetting(payload);
            if (Frames.Check(id, value) is var wrong and not Http2Error.None) return wrong;
            switch (id)
            {
                case SettingId.HeaderTableSize:
                    _encoder.OnTableSizeChanged();
                    break;
                case SettingId.MaxConcurrentStreams:
                    PeerMaxStreams = value;
                    break;
                case SettingId.EnableConnectProtocol:
                    PeerAllowsConnect = value == 1;
                    break;
                case SettingId.InitialWindowSize:
                    var change = value - _peerStreamWindow;
                    _peerStreamWindow = value;
                    foreach (var stream in Streams.Values)
                        if ((stream.SendWindow += change) > Frames.LargestWindow)
                            return Http2Error.FlowControlError;
                    break;
            }
        }
        Output.Frame(FrameType.Settings, FrameFlags.Ack, 0, default(ReadOnlySpan<byte>));
        OnPeerSettings();
        ServeLine();
        return Http2Error.None;
    }

    private Http2Error OnPing(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (!head.Has(FrameFlags.Ack))
        {
            Output.Frame(FrameType.Ping, FrameFlags.Ack, 0, payload);
            return Http2Error.None;
        }
        var data = BinaryPrimitives.ReadUInt64BigEndian(payload);
        if (data == KeepAlivePing && _pingOut)
        {
            _pingOut = false;
            Worker.StopTimer(_pingTimer);
            StartPings();
        }
        else OnPingAnswered(data);
        return Http2Error.None;
    }

    private Http2Error OnGoAway(ReadOnlySpan<byte> payload)
    {
        OnGoAway(Frames.ReadStream(payload), Frames.ReadError(payload[4..]));
        return Http2Error.None;
    }

    private Http2Error OnWindowUpdate(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        var increment = Frames.ReadStream(payload);
        if (!_guard.OnWindowUpdate(Options)) return Flood(Http2Stats.WindowUpdateFramesFlood);
        if (head.Stream == 0)
        {
            if (increment == 0) return Http2Error.ProtocolError;
            if ((_sendWindow += increment) > Frames.LargestWindow) return Http2Error.FlowControlError;
            ServeLine();
            return Http2Error.None;
        }
        if (IsIdle(head.Stream)) return Http2Error.ProtocolError;
        if (!Streams.TryGetValue(head.Stream, out var stream) || stream.End != StreamEnd.None) return Http2Error.None;
        if (increment == 0) Reset(stream, Http2Error.ProtocolError, tell: true);
        else if ((stream.SendWindow += increment) > Frames.LargestWindow) Reset(stream, Http2Error.FlowControlError, tell: true);
        else if (stream.IsInLine) ServeLine();
        return Http2Error.None;
    }

    /// <summary>A malformed message: its stream ends, or the connection when the settings are that strict (section 8.1.1).</summary>
    protected Http2Error Malformed(Http2Stream stream)
    {
        Stats.Add(Worker, Http2Stats.RxMessagingError);
        if (!Options.StreamErrorOnInvalidMessage) return Http2Error.ProtocolError;
        var lifetime = Worker.Now - stream.OpenedAt;
        Reset(stream, Http2Error.ProtocolError, tell: true);
        return CountReset(lifetime);
    }

    protected void SendReset(int stream, Http2Error error)
    {
        Stats.Add(Worker, Http2Stats.TxReset);
        Output.Frame(FrameType.RstStream, FrameFlags.None, stream, (uint)error);
    }

    /// <summary>A stream that we have reset: the peer may not know yet.</summary>
    protected bool WasResetByUs(int stream) => Array.IndexOf(_ended, -stream) >= 0;

    protected bool HasEnded(int stream) => Array.IndexOf(_ended, stream) >= 0;

    protected Http2Error Flood(int counter)
    {
        Stats.Add(Worker, counter);
        return Http2Error.EnhanceYourCalm;
    }

    /// <summary>Lets those send who wait for room, each at most once, in the order in which they came.</summary>
    private void ServeLine()
    {
        if (_lingering && !Output.IsBlocked) Stream.ShutdownSending();
        for (var left = _line.Count; left > 0 && !Output.IsBlocked; left--)
        {
            var stream = _line.Dequeue();
            stream.IsInLine = false;
            if (CanSend(stream) > 0) stream.WakeWriter(true);
            else if (stream.End == StreamEnd.None) Queue(stream);
        }
    }

    private void OnPingTimer()
    {
        if (!_pingOut)
        {
            CheckAlive();
            return;
        }
        Stats.Add(Worker, Http2Stats.KeepAliveTimeout);
        Stream.Abort();
    }
}
