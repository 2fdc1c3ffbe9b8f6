using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>
/// One HTTP/2 connection from a client: opens a stream for each request, and leaves in two steps, so that no request is lost on the
/// way (RFC 9113 section 6.8). Owned by one worker.
/// </summary>
internal sealed class Http2ServerConnection : Http2Connection
{
    private const ulong DrainPing = 0x647261696e696e67;
    private readonly DownstreamConnection _connection;
    private readonly ProxyContext _context;
    private readonly ActionTimer _idleTimer;
    private readonly ActionTimer _drainTimer;
    private readonly ActionTimer _ageTimer;
    private Drainage _drainage;
    private long _requests;

    private enum Drainage
    {
        No,

        /// <summary>The client has been told; what is on its way is still taken.</summary>
        Announced,

        /// <summary>Nothing new is taken.</summary>
        Final,
    }

    public Http2ServerConnection(DownstreamConnection connection, HcmSnapshot hcm, ReadBuffer input, ProxyContext context)
        : base(connection.Stream, hcm.Http2, hcm.Http2Stats, context.Http2StockOf(connection.Stream.Worker), input)
    {
        (_connection, Hcm, _context) = (connection, hcm, context);
        _idleTimer = new ActionTimer(OnIdle);
        _drainTimer = new ActionTimer(FinishDrain);
        _ageTimer = new ActionTimer(() =>
        {
            hcm.Stats.Add(Worker, HttpStats.CxMaxDurationReached);
            BeginDrain();
        });
    }

    public HcmSnapshot Hcm { get; }

    protected override ReadOnlySpan<byte> ExpectedPreface => Frames.Preface;

    protected override int MostHeadBytes => Hcm.Limits.MaxHeadBytes;

    /// <summary>Serves until the connection is over. Closes it.</summary>
    public async Task RunAsync()
    {
        var stats = Hcm.Stats;
        stats.Add(Worker, HttpStats.CxTotal);
        stats.Add(Worker, HttpStats.CxHttp2Total);
        stats.Add(Worker, HttpStats.CxActive);
        stats.Add(Worker, HttpStats.CxHttp2Active);
        try
        {
            Span<(SettingId, uint)> settings = stackalloc (SettingId, uint)[5];
            settings[0] = (SettingId.MaxConcurrentStreams, (uint)Options.MaxConcurrentStreams);
            settings[1] = (SettingId.InitialWindowSize, (uint)Options.StreamWindow);
            settings[2] = (SettingId.MaxHeaderListSize, (uint)Hcm.Limits.MaxHeadBytes);
            settings[3] = (SettingId.HeaderTableSize, (uint)Options.TableSize);
            settings[4] = (SettingId.EnableConnectProtocol, 1);
            SendSettings(settings[..(Options.AllowConnect ? 5 : 4)]);
            StartPings();
            if (Hcm.MaxConnectionDurationMs > 0) Worker.StartTimer(_ageTimer, Hcm.MaxConnectionDurationMs);
            StartIdle();
            await ReadToEndAsync();
        }
        finally
        {
            stats.Add(Worker, HttpStats.CxActive, -1);
            stats.Add(Worker, HttpStats.CxHttp2Active, -1);
            stats.Add(Worker, HttpStats.CxDestroy);
            if (Stream.PeerClosed) stats.Add(Worker, HttpStats.CxDestroyRemote);
        }
    }

    /// <summary>Lets the client go elsewhere: what is open is served, nothing new is taken once it knows.</summary>
    public void BeginDrain()
    {
        if (_drainage != Drainage.No || IsClosed) return;
        _drainage = Drainage.Announced;
        Hcm.Stats.Add(Worker, HttpStats.CxDrainClose);
        GoAway(int.MaxValue, Http2Error.None);
        // The answer to this ping comes behind everything that the client sent before it knew.
        Ping(DrainPing);
        Worker.StartTimer(_drainTimer, Hcm.DrainTimeoutMs);
    }

    /// <summary>The exchange of a stream is over.</summary>
    public void Finished(Http2ServerStream stream)
    {
        Remove(stream.Stream);
        Stock.Return(stream);
        if (Streams.Count > 0 || IsClosed) return;
        if (_drainage == Drainage.Final) CloseGently();
        else StartIdle();
    }

    protected override Http2Error OnBlock(in FrameHeader head, ReadOnlySpan<byte> block)
    {
        if (Streams.TryGetValue(head.Stream, out var open)) return OnTrailers(head, block, open);
        if (head.Stream % 2 == 0) return Http2Error.ProtocolError;
        if (head.Stream <= LastPeerStream)
        {
            if (!Discard(block)) return Http2Error.CompressionError;
            return WasResetByUs(head.Stream) ? Http2Error.None : HasEnded(head.Stream) ? Http2Error.StreamClosed : Http2Error.ProtocolError;
        }
        LastPeerStream = head.Stream;
        if (_drainage == Drainage.Final) return Discard(block) ? Http2Error.None : Http2Error.CompressionError;
        if (Streams.Count >= Options.MaxConcurrentStreams || IsSelfDependent)
        {
            if (!Discard(block)) return Http2Error.CompressionError;
            if (!IsSelfDependent) Stats.Add(Worker, Http2Stats.StreamRefused);
            Remember(head.Stream, resetByUs: true);
            SendReset(head.Stream, IsSelfDependent ? Http2Error.ProtocolError : Http2Error.RefusedStream);
            return CountReset(0);
        }
        return OnRequest(head, block);
    }

    protected override bool IsIdle(int stream) => stream > LastPeerStream || stream % 2 == 0;

    protected override void OnReceived(int bytes) => Hcm.Stats.Add(Worker, HttpStats.CxRxBytes, bytes);

    protected override void OnSent(int bytes) => Hcm.Stats.Add(Worker, HttpStats.CxTxBytes, bytes);

    protected override void OnTooManyResets() => Hcm.Stats.Add(Worker, HttpStats.RqTooManyPrematureResets);

    protected override void OnPingAnswered(ulong data)
    {
        if (data == DrainPing) FinishDrain();
    }

    protected override void OnClosing()
    {
        Worker.StopTimer(_idleTimer);
        Worker.StopTimer(_drainTimer);
        Worker.StopTimer(_ageTimer);
    }

    private Http2Error OnRequest(in FrameHeader head, ReadOnlySpan<byte> block)
    {
        var server = Stock.TakeServerStream(_context, Worker);
        var request = server.Exchange.Request;
        Fields.Begin(request, BlockKind.Request, Hcm.Limits.MaxHeadBytes, Hcm.Limits.MaxHeaders);
        if (!Decoder.TryDecode(block, Fields)) return Http2Error.CompressionError;
        Fields.Finish();
        var ends = head.Has(FrameFlags.EndStream);
        var isUpgrade = request.Has(KnownHeader.Protocol);
        if (Fields.IsMalformed || ends && Fields.ContentLength > 0 || isUpgrade && !Options.AllowConnect)
        {
            Stock.Return(server);
            Stats.Add(Worker, Http2Stats.RxMessagingError);
            Hcm.Stats.Add(Worker, HttpStats.CxProtocolError);
            Remember(head.Stream, resetByUs: true);
            if (!Options.StreamErrorOnInvalidMessage) return Http2Error.ProtocolError;
            SendReset(head.Stream, Http2Error.ProtocolError);
            return CountReset(0);
        }
        Worker.StopTimer(_idleTimer);
        Add(server.Stream, head.Stream);
        server.Stream.ContentLeft = Fields.ContentLength;
        _connection.Describe(server.Exchange.Info);
        server.Exchange.Info.Protocol = "HTTP/2";
        server.Exchange.OriginalDestination = _connection.OriginalDestination;
        server.Exchange.Draining = false;
        if (_connection.Draining || Hcm.MaxRequestsPerConnection > 0 && ++_requests >= Hcm.MaxRequestsPerConnection) BeginDrain();
        if (ends) server.Stream.EndRemote(withTrailers: false);
        var refusal = EndReason.None;
        if (Fields.IsTooLarge)
        {
            Stats.Add(Worker, Http2Stats.HeaderOverflow);
            Hcm.Stats.Add(Worker, HttpStats.RqTooLarge);
            refusal = EndReason.HeadTooLarge;
        }
        else if (isUpgrade) AsUpgrade(request);
        server.Start(this, ends || isUpgrade ? BodyKind.None : Fields.ContentLength >= 0 ? BodyKind.Length : BodyKind.Chunked, block.Length, refusal);
        return Http2Error.None;
    }

    /// <summary>CONNECT with a protocol, as the same wish in HTTP/1 (RFC 8441 section 5): the rest of the proxy knows that one.</summary>
    private static void AsUpgrade(HeaderMap request)
    {
        request.Set(KnownHeader.Method, "GET"u8);
        request.Add(KnownHeader.Upgrade, request[KnownHeader.Protocol]);
        request.Add(KnownHeader.Connection, "upgrade"u8);
        request.Remove(KnownHeader.Protocol);
    }

    private Http2Error OnTrailers(in FrameHeader head, ReadOnlySpan<byte> block, Http2Stream stream)
    {
        Fields.Begin(stream.Trailers, BlockKind.Trailers, Hcm.Limits.MaxHeadBytes, Hcm.Limits.MaxHeaders);
        if (!Decoder.TryDecode(block, Fields)) return Http2Error.CompressionError;
        if (stream.End != StreamEnd.None) return Http2Error.None;
        if (stream.RemoteEnded)
        {
            Reset(stream, Http2Error.StreamClosed, tell: true);
            return Http2Error.None;
        }
        Stats.Add(Worker, Http2Stats.Trailers);
        if (Fields.IsMalformed || !head.Has(FrameFlags.EndStream) || stream.ContentLeft > 0) return Malformed(stream);
        if (Fields.IsTooLarge)
        {
            Stats.Add(Worker, Http2Stats.HeaderOverflow);
            Reset(stream, Http2Error.EnhanceYourCalm, tell: true);
            return Http2Error.None;
        }
        stream.EndRemote(withTrailers: stream.Trailers.Count > 0);
        return Http2Error.None;
    }

    /// <summary>Reads a block for the sake of the table alone.</summary>
    private bool Discard(ReadOnlySpan<byte> block)
    {
        Fields.Begin(Stock.Discarded, BlockKind.Request, 0, 0);
        return Decoder.TryDecode(block, Fields);
    }

    private void FinishDrain()
    {
        if (_drainage == Drainage.Final || IsClosed) return;
        _drainage = Drainage.Final;
        Worker.StopTimer(_drainTimer);
        GoAway(LastPeerStream, Http2Error.None);
        if (Streams.Count == 0) CloseGently();
    }

    private void StartIdle()
    {
        if (Hcm.IdleTimeoutMs > 0) Worker.StartTimer(_idleTimer, Hcm.IdleTimeoutMs);
    }

    private void OnIdle()
    {
        if (IsClosed || Streams.Count > 0) return;
        Hcm.Stats.Add(Worker, HttpStats.CxIdleTimeout);
        _drainage = Drainage.Announced;
        FinishDrain();
    }
}
