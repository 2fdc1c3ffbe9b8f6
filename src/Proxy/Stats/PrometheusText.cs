using System.Text;

namespace Lateen.Proxy.Stats;

/// <summary>The small rules of Prometheus' text format. Source: "Exposition formats", prometheus.io.</summary>
internal static class PrometheusText
{
    public static string Sanitize(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));

    public static void AppendLabel(StringBuilder labels, string name, string value)
    {
        if (labels.Length > 0) labels.Append(',');
        labels.Append(name).Append("=\"");
        foreach (var c in value)
            if (c is '"' or '\\') labels.Append('\\').Append(c);
            else if (c == '\n') labels.Append("\\n");
            else labels.Append(c);
        labels.Append('"');
    }
}
