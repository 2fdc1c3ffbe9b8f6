using System.Buffers.Text;
using System.Globalization;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Tracing;

/// <summary>Headers that carry a trace from one process to the next.</summary>
[Flags]
internal enum Propagation
{
    None = 0,

    /// <summary>x-b3-traceid and its siblings, or the single header b3.</summary>
    B3 = 1,

    /// <summary>traceparent and tracestate.</summary>
    W3C = 2,
}

/// <summary>Place in a trace. Immutable.</summary>
/// <param name="TraceHigh">The upper half of the trace's id; 0 for ids of 64 bits.</param>
/// <param name="TraceLow">The lower half.</param>
/// <param name="SpanId">The span.</param>
/// <param name="ParentId">The span above it; 0 for none.</param>
/// <param name="IsSampled">What the sender decided; null when it left that open.</param>
internal readonly record struct TraceContext(ulong TraceHigh, ulong TraceLow, ulong SpanId, ulong ParentId, bool? IsSampled)
{
    /// <summary>Nothing that could be continued, but perhaps a decision.</summary>
    public bool IsEmpty => TraceHigh == 0 && TraceLow == 0;

    /// <summary>Reads what came with a request. Malformed headers count as absent.</summary>
    public static TraceContext Read(HeaderMap headers, Propagation propagation)
    {
        var context = default(TraceContext);
        if ((propagation & Propagation.B3) != 0) context = ReadB3(headers);
        return context.IsEmpty && context.IsSampled is null && (propagation & Propagation.W3C) != 0 ? ReadW3C(headers) : context;
    }

    /// <summary>Writes it for the next process.</summary>
    public void Write(HeaderMap headers, Propagation propagation)
    {
        Span<byte> room = stackalloc byte[64];
        if ((propagation & Propagation.B3) != 0)
        {
            headers.Remove("b3"u8);
            headers.Set("x-b3-traceid"u8, room[..FormatTraceId(room)]);
            headers.Set("x-b3-spanid"u8, room[..Hex(SpanId, room)]);
            if (ParentId != 0) headers.Set("x-b3-parentspanid"u8, room[..Hex(ParentId, room)]);
            else headers.Remove("x-b3-parentspanid"u8);
            headers.Set("x-b3-sampled"u8, IsSampled == true ? "1"u8 : "0"u8);
        }
        if ((propagation & Propagation.W3C) == 0) return;
        // version-traceid-parentid-flags (W3C Trace Context section 3.2).
        "00-"u8.CopyTo(room);
        var at = 3 + Hex(TraceHigh, room[3..]);
        at += Hex(TraceLow, room[at..]);
        room[at++] = (byte)'-';
        at += Hex(SpanId, room[at..]);
        (IsSampled == true ? "-01"u8 : "-00"u8).CopyTo(room[at..]);
        headers.Set("traceparent"u8, room[..(at + 3)]);
    }

    private int FormatTraceId(Span<byte> room)
    {
        var at = TraceHigh != 0 ? Hex(TraceHigh, room) : 0;
        return at + Hex(TraceLow, room[at..]);
    }

    private static int Hex(ulong value, Span<byte> room)
    {
        value.TryFormat(room, out var written, "x16", CultureInfo.InvariantCulture);
        return written;
    }

    private static TraceContext ReadB3(HeaderMap headers)
    {
        // traceid-spanid-sampled-parentspanid, or the decision alone (B3 propagation, "Single Header").
        if (headers.TryGet("b3"u8, out var single))
        {
            if (single.Length == 1) return new TraceContext(0, 0, 0, 0, Decision(single));
            Span<Range> parts = stackalloc Range[5];
            var count = 0;
            foreach (var part in single.Split((byte)'-'))
                if (count < 4) parts[count++] = part;
            if (count < 2 || !TryTraceId(single[parts[0]], out var h, out var l) || !TryHex(single[parts[1]], out var s)) return default;
            ulong p = 0;
            if (count > 3 && !TryHex(single[parts[3]], out p)) return default;
            return new TraceContext(h, l, s, p, count > 2 ? Decision(single[parts[2]]) : null);
        }
        var decision = headers.TryGet("x-b3-flags"u8, out var flags) && flags.SequenceEqual("1"u8) ? true : headers.TryGet("x-b3-sampled"u8, out var sampled) ? Decision(sampled) : null;
        if (!headers.TryGet("x-b3-traceid"u8, out var trace) || !headers.TryGet("x-b3-spanid"u8, out var span) || !TryTraceId(trace, out var high, out var low) || !TryHex(span, out var id))
            return new TraceContext(0, 0, 0, 0, decision);
        return new TraceContext(high, low, id, headers.TryGet("x-b3-parentspanid"u8, out var above) && TryHex(above, out var parent) ? parent : 0, decision);
    }

    private static TraceContext ReadW3C(HeaderMap headers)
    {
        if (!headers.TryGet("traceparent"u8, out var text) || text.Length < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-' || text.StartsWith("ff"u8)) return default;
        if (!TryTraceId(text.Slice(3, 32), out var high, out var low) || !TryHex(text.Slice(36, 16), out var span) || span == 0 || !TryHex(text.Slice(53, 2), out var flags)) return default;
        return new TraceContext(high, low, span, 0, (flags & 1) != 0);
    }

    private static bool? Decision(ReadOnlySpan<byte> text) => text.SequenceEqual("1"u8) || text.SequenceEqual("d"u8) || text.SequenceEqual("true"u8) ? true
        : text.SequenceEqual("0"u8) || text.SequenceEqual("false"u8) ? false : null;

    private static bool TryTraceId(ReadOnlySpan<byte> text, out ulong high, out ulong low)
    {
        (high, low) = (0, 0);
        return text.Length == 32 ? TryHex(text[..16], out high) && TryHex(text[16..], out low) && (high | low) != 0 : text.Length == 16 && TryHex(text, out low) && low != 0;
    }

    private static bool TryHex(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        return text.Length is > 0 and <= 16 && Utf8Parser.TryParse(text, out value, out var used, 'x') && used == text.Length;
    }
}
