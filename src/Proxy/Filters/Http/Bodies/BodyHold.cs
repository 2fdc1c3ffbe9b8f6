using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.Bodies;

/// <summary>What came of holding a body.</summary>
internal enum HoldStatus
{
    /// <summary>It is there from its first byte to its last.</summary>
    Whole,

    /// <summary>As much of it is there as was asked for, and more will come.</summary>
    Part,

    /// <summary>It is larger than was allowed.</summary>
    TooLarge,

    /// <summary>The other side is gone, or does not keep to the protocol; the exchange is cut short.</summary>
    Gone,
}

/// <summary>Waits for a body on behalf of a filter that wants to see it before the message goes on. Owned by one worker.</summary>
internal static class BodyHold
{
    /// <summary>
    /// Reads a request's body. It is there for whoever comes next, held or not. Bytes beyond <paramref name="most"/> end it as too large, or
    /// as a part when a part will do.
    /// </summary>
    public static async ValueTask<(HoldStatus Status, ReadOnlyMemory<byte> Bytes)> RequestAsync(HttpExchange exchange, long most, bool partWillDo)
    {
        var source = exchange.Bodies.RequestSource();
        exchange.Bodies.IsHolding = true;
        var (status, read, bytes) = await ReadAsync(source, most, partWillDo);
        exchange.Bodies.IsHolding = false;
        if (status == HoldStatus.Gone)
        {
            if (exchange.Cut == EndReason.None) exchange.CutShort(read == ReadStatus.Bad ? EndReason.DownstreamProtocolError : EndReason.DownstreamDisconnect);
            return (status, default);
        }
        exchange.Bodies.Request = new HeldBody(bytes, status == HoldStatus.Whole ? null : source, source.Trailers);
        return (status, bytes);
    }

    /// <summary>Reads a response's body in the same way.</summary>
    public static async ValueTask<(HoldStatus Status, ReadOnlyMemory<byte> Bytes)> ResponseAsync(HttpExchange exchange, long most, bool partWillDo)
    {
        var source = exchange.Bodies.ResponseSource();
        var (status, _, bytes) = await ReadAsync(source, most, partWillDo);
        if (status != HoldStatus.Gone) exchange.Bodies.Response = new HeldBody(bytes, status == HoldStatus.Whole ? null : source, source.Trailers);
        return (status, bytes);
    }

    private static async ValueTask<(HoldStatus, ReadStatus, ReadOnlyMemory<byte>)> ReadAsync(BodySource source, long most, bool partWillDo)
    {
        var held = new MemoryStream();
        while (true)
        {
            var (status, data) = await source.ReadAsync();
            if (status == ReadStatus.End) return (HoldStatus.Whole, status, Bytes(held));
            if (status != ReadStatus.Ok) return (HoldStatus.Gone, status, default);
            held.Write(data.Span);
            source.Advance();
            if (held.Length > most || partWillDo && held.Length >= most) return (partWillDo ? HoldStatus.Part : HoldStatus.TooLarge, status, Bytes(held));
        }
    }

    private static ReadOnlyMemory<byte> Bytes(MemoryStream held) => held.GetBuffer().AsMemory(0, (int)held.Length);

    /// <summary>Gives a message the length of the body that it now has.</summary>
    public static void SetLength(HeaderMap headers, int length)
    {
        Span<byte> digits = stackalloc byte[11];
        length.TryFormat(digits, out var written, default, System.Globalization.CultureInfo.InvariantCulture);
        headers.Set(KnownHeader.ContentLength, digits[..written]);
    }
}
