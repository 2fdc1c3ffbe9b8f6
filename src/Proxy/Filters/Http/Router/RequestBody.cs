using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>
/// Carries a request's body from the client to an upstream while the response is awaited, and remembers it for a retry as
/// long as it is small. Only as much is read as the upstream takes. Owned by one worker.
/// </summary>
internal sealed class RequestBody(HttpExchange exchange)
{
    private const int LargestKeptRoom = 64 * 1024;
    private ByteBuilder? _kept;
    private long _limit;
    private bool _overflown;
    private bool _stopping;
    private ValueTask _pump;
    private bool _pumping;
    private UpstreamStream? _upstream;

    /// <summary>How the body goes to the upstream.</summary>
    public BodyKind Kind { get; private set; }

    /// <summary>Everything that the client sends has been read and sent on.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Copies of the request that other clusters get when its body is whole; null for none.</summary>
    public MirrorCopies? Copies { get; set; }

    /// <summary>Another attempt could send it again from its first byte.</summary>
    public bool CanReplay => !_overflown;

    public void Begin(BodyKind kind, long keepLimit)
    {
        (Kind, _limit, _overflown, _stopping, _pumping) = (kind, keepLimit, false, false, false);
        IsComplete = kind == BodyKind.None;
    }

    /// <summary>Starts to send; <paramref name="onEnd"/> is called when the last byte is out.</summary>
    public void StartPump(UpstreamStream upstream, Action onEnd)
    {
        (_pumping, _stopping, _upstream) = (true, false, upstream);
        _pump = PumpAsync(upstream, onEnd);
    }

    public void StartTunnel(UpstreamStream upstream)
    {
        (_pumping, _stopping, _upstream) = (true, false, upstream);
        _pump = TunnelAsync(upstream);
    }

    /// <summary>Waits for the client's half of a tunnel.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FinishTunnelAsync()
    {
        if (!_pumping) return;
        _pumping = false;
        await _pump;
    }

    /// <summary>Ends the sending, finished or not, and waits until it has ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask StopAsync()
    {
        if (!_pumping) return;
        _pumping = false;
        _stopping = true;
        if (!_pump.IsCompleted)
        {
            exchange.Downstream.AbortWaits();
            exchange.Bodies.Request?.Abort();
        }
        // Nobody sends any more; else it waits for an upstream that does not read.
        if (!_pump.IsCompleted) _upstream!.Abort();
        await _pump;
        _upstream = null;
    }

    /// <summary>Forgets what was kept.</summary>
    public void End()
    {
        Forget();
        Copies = null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PumpAsync(UpstreamStream upstream, Action onEnd)
    {
        if (_kept is { Length: > 0 } kept && !await upstream.SendAsync(kept.Memory)) return;
        if (!IsComplete)
        {
            var (downstream, source) = (exchange.Downstream, exchange.Bodies.Request);
            while (true)
            {
                // The head goes out at once when the first body bytes are not there yet.
                if (!await upstream.SendAsync(default)) return;
                var (status, data) = await (source is null ? downstream.ReadBodyAsync() : source.ReadAsync());
                if (status == ReadStatus.End) break;
                if (status != ReadStatus.Ok)
                {
                    if (!_stopping) exchange.CutShort(status == ReadStatus.Bad ? EndReason.DownstreamProtocolError : EndReason.DownstreamDisconnect);
                    return;
                }
                exchange.Info.BytesReceived += data.Length;
                exchange.Messages?.SeeRequest(data.Span);
                Keep(data);
                Copies?.Add(data);
                var isSent = await upstream.SendAsync(data);
                if (source is null) downstream.Advance();
                else source.Advance();
                if (!isSent) return;
            }
            IsComplete = true;
            Copies?.Send();
            Copies = null;
        }
        if (!await upstream.EndAsync(exchange.RequestTrailers)) return;
        exchange.Info.UpstreamRequestEnd = exchange.Worker.Now;
        onEnd();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask TunnelAsync(UpstreamStream upstream)
    {
        while (true)
        {
            var (status, data) = await exchange.Downstream.ReadBodyAsync();
            if (status != ReadStatus.Ok)
            {
                if (status == ReadStatus.End) upstream.ShutdownSending();
                else upstream.Abort();
                return;
            }
            exchange.Info.BytesReceived += data.Length;
            if (!await upstream.SendAsync(data)) return;
            exchange.Downstream.Advance();
        }
    }

    private void Keep(ReadOnlyMemory<byte> data)
    {
        if (_overflown || _limit == 0)
        {
            _overflown = true;
            return;
        }
        _kept ??= new ByteBuilder();
        if (_kept.Length + data.Length > _limit)
        {
            _overflown = true;
            Forget();
        }
        else _kept.Append(data.Span);
    }

    private void Forget()
    {
        _kept?.Clear();
        if (_kept is { Capacity: > LargestKeptRoom }) _kept = null;
    }
}
