using System.Globalization;
using System.Text.Json;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>The part of Kubernetes' JSONPath that printer columns use: fields, quoted fields, indices, [*] and [?(@.a=="b")]. Immutable.</summary>
internal sealed class JsonPath
{
    private abstract record Step;

    private sealed record Field(string Name) : Step;

    private sealed record Index(int Position) : Step;

    private sealed record Each : Step;

    private sealed record Where(string[] Path, string Operator, string Value) : Step;

    private readonly List<Step> _steps = [];

    private JsonPath()
    {
    }

    /// <summary>Compiles a path, null when it uses more than is understood.</summary>
    public static JsonPath? TryParse(string text)
    {
        var path = new JsonPath();
        text = text.Trim();
        if (text.StartsWith('{') && text.EndsWith('}')) text = text[1..^1];
        if (text.StartsWith('$')) text = text[1..];
        var at = 0;
        while (at < text.Length)
        {
            if (text[at] == '.')
            {
                var start = ++at;
                while (at < text.Length && text[at] is not ('.' or '['))
                {
                    if (text[at] == '\\') at++;
                    at++;
                }
                if (at > start) path._steps.Add(text[start..Math.Min(at, text.Length)] is "*" ? new Each() : new Field(text[start..Math.Min(at, text.Length)].Replace("\\", "", StringComparison.Ordinal)));
            }
            else if (text[at] == '[')
            {
                var end = ClosingBracket(text, at);
                if (end < 0 || ReadBracket(text[(at + 1)..end].Trim()) is not { } step) return null;
                path._steps.Add(step);
                at = end + 1;
            }
            else
            {
                return null;
            }
        }
        return path;
    }

    /// <summary>Every value that the path leads to.</summary>
    public List<JsonElement> Find(JsonElement root)
    {
        List<JsonElement> found = [root];
        foreach (var step in _steps) found = [.. found.SelectMany(value => Follow(value, step))];
        return found;
    }

    private static IEnumerable<JsonElement> Follow(JsonElement value, Step step)
    {
        switch (step)
        {
            case Field field:
                var child = value.At(field.Name);
                return child.ValueKind == JsonValueKind.Undefined ? [] : [child];
            case Index index when value.ValueKind == JsonValueKind.Array:
                var position = index.Position < 0 ? value.GetArrayLength() + index.Position : index.Position;
                return position >= 0 && position < value.GetArrayLength() ? [value[position]] : [];
            case Each when value.ValueKind == JsonValueKind.Array: return value.EnumerateArray();
            case Each when value.ValueKind == JsonValueKind.Object: return value.EnumerateObject().Select(property => property.Value);
            case Where where when value.ValueKind == JsonValueKind.Array:
                return value.EnumerateArray().Where(item =>
                {
                    var found = item.At(where.Path);
                    var text = found.ValueKind == JsonValueKind.String ? found.GetString() : found.ValueKind == JsonValueKind.Undefined ? null : found.GetRawText();
                    return where.Operator switch { "==" => text == where.Value, "!=" => text is not null && text != where.Value, _ => text is not null };
                });
            default: return [];
        }
    }

    private static int ClosingBracket(string text, int open)
    {
        var quote = '\0';
        for (var i = open + 1; i < text.Length; i++)
        {
            if (quote != '\0')
            {
                if (text[i] == quote) quote = '\0';
            }
            else if (text[i] is '\'' or '"')
            {
                quote = text[i];
            }
            else if (text[i] == ']')
            {
                return i;
            }
        }
        return -1;
    }

    private static Step? ReadBracket(string text)
    {
        if (text == "*") return new Each();
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var position)) return new Index(position);
        if (text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0]) return new Field(text[1..^1]);
        if (!text.StartsWith("?(@", StringComparison.Ordinal) || !text.EndsWith(')')) return null;
        var condition = text[3..^1];
        foreach (var sign in (string[])["==", "!="])
        {
            var at = condition.IndexOf(sign, StringComparison.Ordinal);
            if (at >= 0) return new Where(PathOf(condition[..at]), sign, condition[(at + 2)..].Trim().Trim('\'', '"'));
        }
        return new Where(PathOf(condition), "", "");
    }

    private static string[] PathOf(string text) => text.Trim().Split('.', StringSplitOptions.RemoveEmptyEntries);
}
