using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Lateen.Conformance.Tests.Http1;

/// <summary>One message that llhttp saw in a case: what it called complete, by name.</summary>
internal sealed class ExpectedMessage
{
    /// <summary>Names in lower case, values without blanks around them.</summary>
    public List<(string Name, string Value)> Headers { get; } = [];

    public string Method { get; set; } = "";

    public string Url { get; set; } = "";

    public string Status { get; set; } = "";

    public StringBuilder Body { get; } = new();

    public bool HeadComplete { get; set; }

    public bool Complete { get; set; }
}

/// <summary>A case of llhttp's Markdown files: a block of input, and the log of what its strict parser does with it. Immutable.</summary>
internal sealed partial record LlhttpCase(string File, string Title, string Type, bool SkipsBody, byte[] Input, string Log)
{
    /// <summary>Number of llhttp's error, 0 when it took the whole input. Stops that are no refusal count as none.</summary>
    public int Error => ErrorCode().Match(Log) is { Success: true } found && int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) is var code and not (21 or 22 or 23) ? code : 0;

    /// <summary>The rest of the input belongs to another protocol.</summary>
    public bool EndsInUpgrade => Log.Contains("error code=22", StringComparison.Ordinal) || Log.Contains("error code=23", StringComparison.Ordinal);

    /// <summary>Every case of a file.</summary>
    public static IEnumerable<LlhttpCase> Read(string path)
    {
        var text = System.IO.File.ReadAllText(path).ReplaceLineEndings("\n");
        var titles = Heading().Matches(text);
        foreach (Match block in Block().Matches(text))
        {
            var title = titles.Last(heading => heading.Index < block.Index).Groups[1].Value;
            var meta = block.Groups[1].Value;
            yield return new LlhttpCase(Path.GetFileName(path), title, TypeField().Match(meta).Groups[1].Value, meta.Contains("skipBody", StringComparison.Ordinal), Bytes(block.Groups[2].Value), block.Groups[3].Value);
        }
    }

    /// <summary>The messages that the log describes, by slices of the input.</summary>
    public List<ExpectedMessage> Messages()
    {
        var messages = new List<ExpectedMessage>();
        var (name, value, inTrailers) = (new StringBuilder(), new StringBuilder(), false);
        foreach (var line in Log.Split('\n'))
        {
            if (line.EndsWith("message begin", StringComparison.Ordinal))
            {
                messages.Add(new ExpectedMessage());
                inTrailers = false;
                continue;
            }
            if (messages.Count == 0) continue;
            var message = messages[^1];
            if (Span().Match(line) is { Success: true } span)
            {
                var text = Encoding.Latin1.GetString(Input, int.Parse(span.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(span.Groups[2].Value, CultureInfo.InvariantCulture));
                switch (span.Groups[3].Value)
                {
                    case "method": message.Method += text; break;
                    case "url": message.Url += text; break;
                    case "status": message.Status += text; break;
                    case "header_field": name.Append(text); break;
                    case "header_value": value.Append(text); break;
                    case "body": message.Body.Append(text); break;
                }
            }
            else if (line.EndsWith("header_value complete", StringComparison.Ordinal))
            {
                if (!inTrailers) message.Headers.Add((name.ToString().ToLowerInvariant(), value.ToString().Trim(' ', '\t')));
                name.Clear();
                value.Clear();
            }
            else if (line.Contains("headers complete", StringComparison.Ordinal)) inTrailers = message.HeadComplete = true;
            else if (line.EndsWith("message complete", StringComparison.Ordinal)) message.Complete = true;
        }
        return messages;
    }

    public override string ToString() => $"{File}: {Title}";

    /// <summary>The input as the files write it: line ends are CRLF, a backslash at a line's end joins lines, escapes stand for bytes.</summary>
    private static byte[] Bytes(string block)
    {
        var text = (block.EndsWith('\n') ? block[..^1] : block).Replace("\\\n", "", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal);
        text = text.Replace("\\r", "\r", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal)
            .Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\f", "\f", StringComparison.Ordinal);
        text = HexEscape().Replace(text, match => ((char)Convert.ToInt32(match.Groups[1].Value, 16)).ToString());
        return Encoding.UTF8.GetBytes(text);
    }

    [GeneratedRegex(@"^#+ (.+)$|^(?=\S)(.+)\n=+$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("<!-- meta=(\\{[^\n]*\\}) -->\\s*```http\n(.*?)```\n(?:(?!```).)*```log\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("\"type\": ?\"([^\"]+)\"")]
    private static partial Regex TypeField();

    [GeneratedRegex(@"error code=(\d+)")]
    private static partial Regex ErrorCode();

    [GeneratedRegex(@"^off=(\d+) len=(\d+) span\[(\w+)\]")]
    private static partial Regex Span();

    [GeneratedRegex(@"\\x([0-9a-fA-F]{2})")]
    private static partial Regex HexEscape();
}
