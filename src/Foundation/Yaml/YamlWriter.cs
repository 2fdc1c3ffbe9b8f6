using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.Foundation.Yaml;

/// <summary>
/// Writes JSON trees as block YAML, always the same bytes for the same tree: two spaces of indent, list items at the
/// indent of their key, as sigs.k8s.io/yaml writes them; keys sorted or in the order of the tree.
/// </summary>
public static class YamlWriter
{
    /// <summary>One document, ending in a newline.</summary>
    public static string ToYaml(JsonNode? root, bool sortKeys = true)
    {
        var output = new StringBuilder();
        Block(output, root, 0, sortKeys, afterDash: true);
        return output.ToString();
    }

    private static void Block(StringBuilder output, JsonNode? node, int indent, bool sort, bool afterDash)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } fields:
                foreach (var (name, value) in sort ? fields.OrderBy(field => field.Key, StringComparer.Ordinal) : fields.AsEnumerable())
                {
                    if (!afterDash) output.Append(' ', indent);
                    afterDash = false;
                    output.Append(Text(name, indent, asKey: true)).Append(':');
                    Value(output, value, indent, sort, indentLists: false);
                }
                break;
            case JsonArray { Count: > 0 } items:
                foreach (var item in items)
                {
                    if (!afterDash) output.Append(' ', indent);
                    afterDash = false;
                    output.Append('-');
                    if (item is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })
                    {
                        output.Append(' ');
                        Block(output, item, indent + 2, sort, afterDash: true);
                    }
                    else output.Append(' ').Append(Leaf(item, indent)).Append('\n');
                }
                break;
            default:
                output.Append(Leaf(node, indent)).Append('\n');
                break;
        }
    }

    private static void Value(StringBuilder output, JsonNode? value, int indent, bool sort, bool indentLists)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 }:
                output.Append('\n');
                Block(output, value, indent + 2, sort, afterDash: false);
                break;
            case JsonArray { Count: > 0 }:
                output.Append('\n');
                Block(output, value, indentLists ? indent + 2 : indent, sort, afterDash: false);
                break;
            default:
                output.Append(' ').Append(Leaf(value, indent)).Append('\n');
                break;
        }
    }

    private static string Leaf(JsonNode? node, int indent) => node switch
    {
        null => "null",
        JsonObject => "{}",
        JsonArray => "[]",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>(), indent, asKey: false),
        _ => node.ToJsonString(),
    };

    private static string Text(string text, int indent, bool asKey)
    {
        if (text.Contains('\n') && !asKey && IsLiteral(text)) return Literal(text, indent + 2);
        if (NeedsDoubleQuotes(text)) return DoubleQuoted(text);
        return IsPlain(text) ? text : YamlScalars.NeedsQuotes(text) ? $"\"{text}\"" : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
    }

    private static bool IsPlain(string text)
    {
        if (text.Length == 0 || YamlScalars.NeedsQuotes(text) || text[0] == ' ' || text[^1] == ' ' || text is "-" or "---" or "..." or "<<" or "=") return false;
        if ("!&*{}[],#|>@`\"'%".Contains(text[0]) || text[0] is '-' or '?' or ':' && (text.Length == 1 || text[1] == ' ')) return false;
        return !text.Contains(": ", StringComparison.Ordinal) && !text.Contains(" #", StringComparison.Ordinal) && text[^1] != ':';
    }

    private static bool NeedsDoubleQuotes(string text) => text.Any(c => c is < ' ' or '\x7f' or '\x85' or '\u2028' or '\u2029' or '\ufeff' || char.IsSurrogate(c) && !IsPaired(text));

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }
        return true;
    }

    private static bool IsLiteral(string text) =>
        text[0] is not (' ' or '\n') && text.All(c => c is '\n' or '\t' or >= ' ' and not '\x7f') && !text.Split('\n').Any(line => line.EndsWith(' '));

    private static string Literal(string text, int indent)
    {
        var trailing = text.Length - text.TrimEnd('\n').Length;
        var output = new StringBuilder("|").Append(trailing switch { 0 => "-", 1 => "", _ => "+" });
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            output.Append('\n');
            if (line.Length > 0) output.Append(' ', indent).Append(line);
        }
        return trailing > 1 ? output.Append('\n', trailing - 1).ToString() : output.ToString();
    }

    private static string DoubleQuoted(string text)
    {
        var output = new StringBuilder("\"");
        foreach (var c in text)
            output.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\x7f' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                '\x85' or '\u2028' or '\u2029' or '\ufeff' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => c.ToString(),
            });
        return output.Append('"').ToString();
    }
}
