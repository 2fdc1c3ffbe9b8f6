using System.Buffers;
using System.Globalization;
using System.Text;

namespace Lateen.Foundation.Metrics;

/// <summary>Writes Prometheus' text format: HELP and TYPE lines, samples, escapes. Source: Prometheus exposition formats 0.0.4.</summary>
internal readonly ref struct ExpositionWriter(IBufferWriter<byte> output)
{
    public void Head(string name, string help, string type) =>
        Text($"# HELP {name} {Escape(help, quotes: false)}\n# TYPE {name} {type}\n");

    public void Sample(string name, string suffix, string[] labelNames, string[] labelValues, double? bound, double value)
    {
        var line = new StringBuilder(name, 128).Append(suffix);
        if (labelNames.Length > 0 || bound is not null)
        {
            line.Append('{');
            for (var i = 0; i < labelNames.Length; i++)
                line.Append(i > 0 ? "," : "").Append(labelNames[i]).Append("=\"").Append(Escape(labelValues[i], quotes: true)).Append('"');
            if (bound is { } le) line.Append(labelNames.Length > 0 ? "," : "").Append("le=\"").Append(Number(le)).Append('"');
            line.Append('}');
        }
        Text(line.Append(' ').Append(Number(value)).Append('\n').ToString());
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Escape(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') < 0) return text;
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private void Text(string text) => Encoding.UTF8.GetBytes(text, output);
}
