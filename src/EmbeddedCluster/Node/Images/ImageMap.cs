using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;

namespace Lateen.EmbeddedCluster.Node.Images;

/// <summary>Finds the local program for an image. Immutable.</summary>
public sealed class ImageMap
{
    private readonly IReadOnlyList<(string Pattern, ImageConfig Image)> _entries;

    private ImageMap(IReadOnlyList<(string Pattern, ImageConfig Image)> entries) => _entries = entries;

    /// <summary>Reads image map files; where two fit an image, the earlier file wins.</summary>
    /// <exception cref="FormatException">A file is not an image map; the message names file and field.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ImageMap Load(IEnumerable<string> files) => new([.. files.SelectMany(file => Read(File.ReadAllText(file), file))]);

    /// <summary>Reads one image map from its text.</summary>
    /// <param name="text">YAML: <c>images: {PATTERN: {command: […], args: […], workingDir: DIR, env: {…}, links: {…}, user: N}}</c>.</param>
    /// <param name="file">For messages; relative paths in the text are relative to its folder.</param>
    /// <exception cref="FormatException">The text is not an image map.</exception>
    public static ImageMap Parse(string text, string file) => new(Read(text, file));

    /// <summary>The program for an image.</summary>
    /// <returns>Null when no entry fits.</returns>
    public ImageConfig? Find(string image)
    {
        var normalized = ImageReference.Normalize(image);
        return _entries.FirstOrDefault(entry => ImageReference.Matches(entry.Pattern, normalized)).Image;
    }

    // Within a file a name without a star beats a pattern, and a longer pattern a shorter one.
    private static IReadOnlyList<(string Pattern, ImageConfig Image)> Read(string text, string file)
    {
        if (YamlReader.ReadOne(text, file) is not JsonObject { } root) throw new FormatException($"{file}: an image map is an object with the field 'images'");
        foreach (var (name, _) in root)
            if (name != "images") throw new FormatException($"{file}: unknown field '{name}'; an image map has the field 'images'");
        if (root["images"] is not JsonObject images) throw new FormatException($"{file}: the field 'images' must be an object from image to program");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        return [.. images
            .Select(entry => (Pattern: entry.Key, Image: ReadImage(entry.Value, folder, $"{file}: images[{entry.Key}]")))
            .OrderBy(entry => entry.Pattern.Contains('*'))
            .ThenByDescending(entry => entry.Pattern.Length)];
    }

    private static ImageConfig ReadImage(JsonNode? node, string folder, string where)
    {
        if (node is not JsonObject image) throw new FormatException($"{where} must be an object");
        foreach (var (name, _) in image)
            if (name is not ("command" or "args" or "workingDir" or "env" or "links" or "user"))
                throw new FormatException($"{where}: unknown field '{name}'");
        var command = ReadStrings(image["command"], $"{where}.command");
        if (command.Count == 0) throw new FormatException($"{where}.command must name a program");
        var workingDir = image["workingDir"] is { } dir ? Path.GetFullPath(ReadString(dir, $"{where}.workingDir"), folder) : "/";
        return new ImageConfig
        {
            Command = command,
            Args = ReadStrings(image["args"], $"{where}.args"),
            WorkingDir = workingDir,
            Env = ReadTexts(image["env"], $"{where}.env"),
            Links = ReadTexts(image["links"], $"{where}.links"),
            User = image["user"] is JsonValue user && user.TryGetValue(out int id) ? id : 0,
        };
    }

    private static IReadOnlyList<string> ReadStrings(JsonNode? node, string where) => node switch
    {
        null => [],
        JsonArray list => [.. list.Select((item, i) => ReadString(item, $"{where}[{i}]"))],
        _ => throw new FormatException($"{where} must be a list of strings"),
    };

    private static IReadOnlyDictionary<string, string> ReadTexts(JsonNode? node, string where) => node switch
    {
        null => new Dictionary<string, string>(),
        JsonObject map => map.ToDictionary(entry => entry.Key, entry => ReadString(entry.Value, $"{where}.{entry.Key}")),
        _ => throw new FormatException($"{where} must be an object of strings"),
    };

    // Numbers and booleans are taken as text: a port in a list of arguments should not need quotes.
    private static string ReadString(JsonNode? node, string where) =>
        node is JsonValue value ? value.TryGetValue(out string? text) ? text : value.ToJsonString() : throw new FormatException($"{where} must be a string");
}
