using System.Globalization;
using System.Text;

namespace Lateen.Rpc.Framing;

/// <summary>The textual headers of gRPC over HTTP/2: time-outs and status messages. Source: grpc/grpc doc/PROTOCOL-HTTP2.md.</summary>
internal static class WireText
{
    public const string ContentType = "application/grpc";
    private const long LargestTimeout = 99_999_999;

    /// <summary>At most eight digits and a unit; too long a time is cut to the largest that can be written.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero) return "1n";
        foreach (var (unit, ticks) in new[] { ('m', TimeSpan.TicksPerMillisecond), ('S', TimeSpan.TicksPerSecond), ('M', TimeSpan.TicksPerMinute) })
        {
            var count = (timeout.Ticks + ticks - 1) / ticks;
            if (count <= LargestTimeout) return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Min(timeout.Ticks / TimeSpan.TicksPerHour, LargestTimeout)}H");
    }

    public static bool TryParseTimeout(string? text, out TimeSpan timeout)
    {
        timeout = default;
        if (text is null || text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return false;
        var ticks = text[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => -1,
        };
        if (ticks < 0) return false;
        timeout = ticks == 0 ? TimeSpan.FromTicks(count / 100) : TimeSpan.FromTicks(Math.Min(count, TimeSpan.MaxValue.Ticks / ticks) * ticks);
        return true;
    }

    /// <summary>UTF-8, with everything but printable ASCII, and the percent sign, as %XX.</summary>
    public static string EncodeMessage(string message)
    {
        if (!message.AsSpan().ContainsAnyExceptInRange(' ', '~') && !message.Contains('%')) return message;
        var encoded = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(message))
            if (b is >= 0x20 and <= 0x7e and not (byte)'%') encoded.Append((char)b);
            else encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        return encoded.ToString();
    }

    /// <summary>The reverse; what is not a valid escape stays as it is.</summary>
    public static string DecodeMessage(string? text)
    {
        if (text is null) return "";
        if (!text.Contains('%')) return text;
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '%' && i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                bytes[length++] = b;
                i += 2;
            }
            else length += Encoding.UTF8.GetBytes(text.AsSpan(i, 1), bytes.AsSpan(length));
        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
