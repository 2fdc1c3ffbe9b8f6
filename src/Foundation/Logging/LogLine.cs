using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Lateen.Foundation.Logging;

/// <summary>The form of one log line. Control characters of a message are escaped: no peer can write lines of its own.</summary>
internal static class LogLine
{
    public static string Format(DateTime utc, LogLevel level, string scope, string message, Exception? exception, bool asJson, bool withStack)
    {
        var time = utc.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        var cause = exception is null ? "" : withStack ? exception.ToString() : $"{exception.GetType().Name}: {exception.Message}";
        if (asJson) return Json(time, level, scope, message, cause);
        var line = new StringBuilder(64 + message.Length + cause.Length).Append(time).Append('\t').Append(LogLevels.WordOf(level)).Append('\t');
        if (scope != "default") line.Append(scope).Append('\t');
        AppendEscaped(line, message);
        if (cause.Length > 0)
        {
            if (message.Length > 0) line.Append('\t');
            if (withStack) line.Append(cause);
            else AppendEscaped(line, cause);
        }
        return line.Append('\n').ToString();
    }

    private static string Json(string time, LogLevel level, string scope, string message, string cause)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("level", LogLevels.WordOf(level));
            writer.WriteString("time", time);
            if (scope != "default") writer.WriteString("scope", scope);
            writer.WriteString("msg", message);
            if (cause.Length > 0) writer.WriteString("error", cause);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    private static void AppendEscaped(StringBuilder line, string text)
    {
        foreach (var c in text)
            switch (c)
            {
                case '\n':
                    line.Append("\\n");
                    break;
                case '\r':
                    line.Append("\\r");
                    break;
                case '\t':
                    line.Append(c);
                    break;
                case < ' ' or '\x7f':
                    line.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
                    break;
                default:
                    line.Append(c);
                    break;
            }
    }
}
