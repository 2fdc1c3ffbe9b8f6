using System.Globalization;
using System.Text;

namespace Lateen.Config.Reading;

/// <summary>Text as Go's fmt writes it, so that messages read as Istio's do.</summary>
internal static class GoText
{
    /// <summary>In double quotes, escaped as <c>%q</c> does.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    quoted.Append('\\').Append(c);
                    break;
                case '\n':
                    quoted.Append("\\n");
                    break;
                case '\r':
                    quoted.Append("\\r");
                    break;
                case '\t':
                    quoted.Append("\\t");
                    break;
                case < ' ' or '\u007f':
                    quoted.Append("\\x").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture));
                    break;
                default:
                    quoted.Append(c);
                    break;
            }
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>A list as <c>%v</c> writes it: <c>[a b]</c>.</summary>
    public static string List(IEnumerable<string> items) => $"[{string.Join(' ', items)}]";
}
