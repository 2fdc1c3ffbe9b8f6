using System.Globalization;
using System.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Operators of points and stretches of time. Source: Envoy's "Access logging", %START_TIME% and %COMMON_DURATION%.</summary>
internal static class TimeOperators
{
    private delegate long Point(StreamInfo info);

    /// <summary>A moment in the form that the argument says, as strftime has it; RFC 3339 with milliseconds without one.</summary>
    public static FormatString.Operator Moment(string format, Func<StreamInfo, DateTime> read, string path)
    {
        if (format.Length == 0) return (ByteBuilder output, in FormatContext context) => Say(output, read(context.Info), "yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
        var parts = Parts(format, path);
        return (ByteBuilder output, in FormatContext context) =>
        {
            var time = read(context.Info);
            foreach (var part in parts) part(output, time);
            return parts.Count > 0;
        };
    }

    /// <summary>START:END:PRECISION.</summary>
    public static FormatString.Operator Duration(string argument, string path)
    {
        if (argument.Split(':') is not [var from, var to, var precision]) throw new ConfigRefusedException(path, "COMMON_DURATION needs START:END:PRECISION");
        var (start, end) = (PointOf(from, path), PointOf(to, path));
        long factor = precision switch
        {
            "ms" => 1,
            "us" => 1_000,
            "ns" => 1_000_000,
            _ => throw new ConfigRefusedException(path, $"'{precision}' is not ms, us or ns"),
        };
        return (ByteBuilder output, in FormatContext context) =>
        {
            var (a, b) = (start(context.Info), end(context.Info));
            if (a == 0 || b == 0) return false;
            output.Append((b - a) * factor);
            return true;
        };
    }

    private static Point PointOf(string name, string path) => name switch
    {
        "DS_RX_BEG" => info => info.Start,
        "DS_RX_END" => info => info.RequestEnd,
        "US_TX_END" => info => info.UpstreamRequestEnd,
        "US_RX_BEG" => info => info.UpstreamFirstByte,
        "DS_TX_BEG" => info => info.FirstByteSent,
        "DS_TX_END" => info => info.End,
        _ => throw new ConfigRefusedException(path, $"the point of time {name} is not recorded"),
    };

    private static List<Action<ByteBuilder, DateTime>> Parts(string format, string path)
    {
        var parts = new List<Action<ByteBuilder, DateTime>>();
        var net = new StringBuilder();
        void Flush()
        {
            if (net.Length == 0) return;
            // A single letter would be taken for one of .NET's standard formats.
            var text = net.Length == 1 ? "%" + net : net.ToString();
            parts.Add((output, time) => output.Append(time, text));
            net.Clear();
        }
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                net.Append('\\').Append(format[i]);
                continue;
            }
            var letter = format[++i];
            var digits = 9;
            if (char.IsAsciiDigit(letter) && i + 1 < format.Length) (digits, letter) = (Math.Max(1, letter - '0'), format[++i]);
            switch (letter)
            {
                case 's':
                    Flush();
                    parts.Add((output, time) => output.Append((time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond));
                    break;
                case 'f':
                    Flush();
                    parts.Add((output, time) => Fraction(output, time, digits));
                    break;
                default:
                    net.Append(ToNet(letter) ?? throw new ConfigRefusedException(path, $"%{letter} is not supported in a time's format"));
                    break;
            }
        }
        Flush();
        return parts;
    }

    private static void Fraction(ByteBuilder output, DateTime time, int digits)
    {
        Span<char> all = stackalloc char[9];
        ((time.Ticks % TimeSpan.TicksPerSecond) * 100).TryFormat(all, out _, "D9", CultureInfo.InvariantCulture);
        for (var i = 0; i < digits; i++) output.Append((byte)all[i]);
    }

    private static string? ToNet(char letter) => letter switch
    {
        'Y' => "yyyy",
        'y' => "yy",
        'm' => "MM",
        'd' => "dd",
        'H' => "HH",
        'I' => "hh",
        'p' => "tt",
        'M' => "mm",
        'S' => "ss",
        'b' or 'h' => "MMM",
        'B' => "MMMM",
        'a' => "ddd",
        'A' => "dddd",
        'F' => "yyyy'-'MM'-'dd",
        'D' => "MM'/'dd'/'yy",
        'T' => "HH':'mm':'ss",
        'R' => "HH':'mm",
        'z' => "'+0000'",
        'Z' => "'UTC'",
        '%' => "'%'",
        _ => null,
    };

    private static bool Say(ByteBuilder output, DateTime time, string format)
    {
        output.Append(time, format);
        return true;
    }
}
