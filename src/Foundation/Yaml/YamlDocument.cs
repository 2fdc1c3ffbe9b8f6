using System.Text.Json.Nodes;

namespace Lateen.Foundation.Yaml;

/// <summary>One document of a YAML (or JSON) file as a JSON tree, or the error that kept it from being read.</summary>
public sealed class YamlDocument
{
    private readonly IReadOnlyDictionary<string, int> _lines;

    internal YamlDocument(string file, int index, int line, JsonNode? root, string? error, IReadOnlyDictionary<string, int> lines) =>
        (File, Index, Line, Root, Error, _lines) = (file, index, line, root, error, lines);

    /// <summary>Where the text came from, as errors should name it.</summary>
    public string File { get; }

    /// <summary>Place among the documents of the file, from 0, empty documents included.</summary>
    public int Index { get; }

    /// <summary>Line of the first token, from 1.</summary>
    public int Line { get; }

    /// <summary>The tree; null when <see cref="Error"/> is set.</summary>
    public JsonNode? Root { get; }

    /// <summary>What is wrong with the document, with its line; null when it was read.</summary>
    public string? Error { get; }

    /// <summary>
    /// Line, from 1, of a field given as <c>spec.http[0].route</c>; that of the nearest known parent when the path itself
    /// is not there, so that an error about a missing field still points somewhere.
    /// </summary>
    public int LineOf(string path)
    {
        while (path.Length > 0)
        {
            if (_lines.TryGetValue(path, out var line)) return line;
            var cut = path.AsSpan().LastIndexOfAny('.', '[');
            path = cut <= 0 ? "" : path[..cut];
        }
        return Line;
    }
}
