namespace Lateen.Config.Reading;

/// <summary>
/// Durations in Go's syntax (time.ParseDuration), which is what Istio reads: <c>1h30m</c>, <c>.5s</c>, <c>-1.5ms</c>,
/// <c>0</c>. Nanoseconds in 64 bits, so at most about 292 years.
/// </summary>
internal static class GoDuration
{
    /// <summary>Nanoseconds of a duration; false with Go's words when the text is none.</summary>
    public static bool TryParse(string text, out long nanoseconds, out string error)
    {
        nanoseconds = 0;
        error = $"time: invalid duration {GoText.Quote(text)}";
        var rest = text.AsSpan();
        var negative = false;
        if (rest.Length > 0 && rest[0] is '-' or '+')
        {
            negative = rest[0] == '-';
            rest = rest[1..];
        }
        if (rest is "0") return true;
        if (rest.Length == 0) return false;
        Int128 total = 0;
        while (rest.Length > 0)
        {
            if (!Number(ref rest, out var whole, out var fraction, out var scale)) return false;
            var unitLength = rest.IndexOfAnyInRange('0', '9') is var digit && rest.IndexOf('.') is var dot && digit < 0 && dot < 0
                ? rest.Length
                : Math.Min(digit < 0 ? int.MaxValue : digit, dot < 0 ? int.MaxValue : dot);
            var name = rest[..unitLength];
            if (name.Length == 0)
            {
                error = $"time: missing unit in duration {GoText.Quote(text)}";
                return false;
            }
            if (UnitOf(name) is not { } unit)
            {
                error = $"time: unknown unit {GoText.Quote(name.ToString())} in duration {GoText.Quote(text)}";
                return false;
            }
            total += (Int128)whole * unit + (Int128)(fraction * ((double)unit / scale));
            if (total > long.MaxValue) return false;
            rest = rest[unitLength..];
        }
        nanoseconds = negative ? -(long)total : (long)total;
        return true;
    }

    private static bool Number(ref ReadOnlySpan<char> rest, out ulong whole, out double fraction, out double scale)
    {
        (whole, fraction, scale) = (0, 0, 1);
        var digits = 0;
        for (; rest.Length > 0 && char.IsAsciiDigit(rest[0]); rest = rest[1..], digits++)
        {
            if (whole > long.MaxValue / 10) return false;
            whole = whole * 10 + (ulong)(rest[0] - '0');
        }
        if (rest.Length > 0 && rest[0] == '.')
        {
            for (rest = rest[1..]; rest.Length > 0 && char.IsAsciiDigit(rest[0]); rest = rest[1..], digits++)
            {
                if (scale > 1e17) continue;
                fraction = fraction * 10 + (rest[0] - '0');
                scale *= 10;
            }
        }
        return digits > 0;
    }

    private static long? UnitOf(ReadOnlySpan<char> name) => name switch
    {
        "ns" => 1,
        "us" or "µs" or "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => null,
    };
}
