using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.Bodies;

/// <summary>
/// The body of one direction as it is behind a filter that holds it back or changes it. Whoever forwards the message pulls from the last
/// one, each pulls from the one before, the first from the connection: only as much is read as is taken. A filter puts one into the exchange
/// (<see cref="MessageBodies.Request"/>, <see cref="MessageBodies.Response"/>) while it looks at the head; where none does, there are
/// none, and the connection is read directly. Owned by one worker.
/// </summary>
internal abstract class BodySource
{
    /// <summary>A stretch is there without waiting.</summary>
    public virtual bool HasBytes => false;

    /// <summary>What comes behind the body, once it has been read to its end; null for nothing.</summary>
    public abstract HeaderMap? Trailers { get; }

    /// <summary>The next stretch, valid until <see cref="Advance"/>.</summary>
    public abstract ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync();

    /// <summary>The last stretch is dealt with.</summary>
    public abstract void Advance();

    /// <summary>Ends every wait that is its own: the stream is over.</summary>
    public virtual void Abort()
    {
    }
}

/// <summary>The body as the client sends it. Owned by one worker.</summary>
internal sealed class ClientBody(HttpExchange exchange) : BodySource
{
    public override HeaderMap? Trailers => exchange.Downstream.RequestTrailers;

    public override ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync() => exchange.Downstream.ReadBodyAsync();

    public override void Advance() => exchange.Downstream.Advance();
}

/// <summary>The body as the upstream sends it. Owned by one worker.</summary>
internal sealed class UpstreamBody(UpstreamStream upstream) : BodySource
{
    public override bool HasBytes => upstream.HasBodyBytes || upstream.IsResponseDone;

    public override HeaderMap? Trailers => upstream.ResponseTrailers;

    public override ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync() => upstream.ReadBodyAsync();

    public override void Advance() => upstream.Advance();
}

/// <summary>Bytes that are there already, and behind them what is left of another source. Owned by one worker.</summary>
internal sealed class HeldBody(ReadOnlyMemory<byte> bytes, BodySource? rest, HeaderMap? trailers = null) : BodySource
{
    private bool _isTaken = bytes.IsEmpty;
    private bool _isHeld;

    /// <summary>The bytes that are held.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes;

    public override bool HasBytes => !_isTaken || rest is null || rest.HasBytes;

    public override HeaderMap? Trailers => rest is null ? trailers : rest.Trailers;

    public override ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        if (!_isTaken)
        {
            _isHeld = true;
            return new ValueTask<(ReadStatus, ReadOnlyMemory<byte>)>((ReadStatus.Ok, bytes));
        }
        return rest is null ? new ValueTask<(ReadStatus, ReadOnlyMemory<byte>)>((ReadStatus.End, default)) : rest.ReadAsync();
    }

    public override void Advance()
    {
        if (_isHeld) (_isTaken, _isHeld) = (true, false);
        else rest?.Advance();
    }

    public override void Abort() => rest?.Abort();
}

/// <summary>What is left of a body that something else takes the place of: read and dropped, so that its connection can serve again. Owned by one worker.</summary>
internal sealed class DroppedBody(BodySource inner) : BodySource
{
    public override HeaderMap? Trailers => null;

    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (true)
        {
            var (status, _) = await inner.ReadAsync();
            if (status != ReadStatus.Ok) return (status, default);
            inner.Advance();
        }
    }

    public override void Advance()
    {
    }

    public override void Abort() => inner.Abort();
}
