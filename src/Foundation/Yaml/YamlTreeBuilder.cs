using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Lateen.Foundation.Yaml;

/// <summary>Builds one document's JSON tree from parser events and notes the line of every field.</summary>
internal sealed class YamlTreeBuilder(IParser parser)
{
    private const int MaxDepth = 200;
    private const int MaxNodes = 2_000_000;
    private readonly Dictionary<string, JsonNode?> _anchors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sizes = new(StringComparer.Ordinal);
    private int _nodes;

    public Dictionary<string, int> Lines { get; } = new(StringComparer.Ordinal);

    public JsonNode? Build() => Node("", 0);

    private JsonNode? Node(string path, int depth)
    {
        var at = parser.Current!;
        if (depth > MaxDepth) throw new YamlException(at.Start, at.End, $"nested deeper than {MaxDepth} levels");
        Count(1, at);
        Lines.TryAdd(path, (int)at.Start.Line);
        if (parser.TryConsume<AnchorAlias>(out var alias)) return Expand(alias);
        var (anchor, before) = ((at as NodeEvent)?.Anchor ?? AnchorName.Empty, _nodes);
        var node = at switch
        {
            Scalar => Leaf(parser.Consume<Scalar>()),
            SequenceStart => Sequence(path, depth),
            MappingStart => Mapping(path, depth),
            _ => throw new YamlException(at.Start, at.End, "a value is missing"),
        };
        if (!anchor.IsEmpty)
        {
            _anchors[anchor.Value] = node;
            _sizes[anchor.Value] = _nodes - before + 1;
        }
        return node;
    }

    private static JsonNode? Leaf(Scalar scalar)
    {
        if (scalar.Tag.IsEmpty) return scalar.Style == ScalarStyle.Plain ? YamlScalars.Resolve(scalar.Value) : JsonValue.Create(scalar.Value);
        return scalar.Tag.Value switch
        {
            "tag:yaml.org,2002:str" or "!" => JsonValue.Create(scalar.Value),
            "tag:yaml.org,2002:binary" => JsonValue.Create(scalar.Value.Replace("\n", "", StringComparison.Ordinal).Trim()),
            _ => YamlScalars.Resolve(scalar.Value),
        };
    }

    private JsonArray Sequence(string path, int depth)
    {
        parser.Consume<SequenceStart>();
        var items = new JsonArray();
        while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(Node($"{path}[{items.Count}]", depth + 1));
        return items;
    }

    private JsonObject Mapping(string path, int depth)
    {
        parser.Consume<MappingStart>();
        var fields = new JsonObject();
        var merged = new List<JsonObject>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var at = parser.Current!;
            if (at is not Scalar key) throw new YamlException(at.Start, at.End, "a key must be a scalar");
            parser.MoveNext();
            if (key is { Value: "<<", Style: ScalarStyle.Plain })
            {
                merged.AddRange(Merge(Node(path + ".<<", depth + 1), key));
                continue;
            }
            var name = KeyOf(key);
            var field = path.Length == 0 ? name : $"{path}.{name}";
            Lines.TryAdd(field, (int)key.Start.Line);
            var value = Node(field, depth + 1);
            if (!fields.TryAdd(name, value)) throw new YamlException(key.Start, key.End, $"key \"{name}\" already set in map");
        }
        foreach (var (name, value) in merged.SelectMany(source => source))
            if (!fields.TryAdd(name, value?.DeepClone()))
                throw new YamlException(parser.Current!.Start, parser.Current.End, $"key \"{name}\" already set in map");
        return fields;
    }

    private static IEnumerable<JsonObject> Merge(JsonNode? source, Scalar key) => source switch
    {
        JsonObject one => [one],
        JsonArray many when many.All(item => item is JsonObject) => many.Select(item => (JsonObject)item!),
        _ => throw new YamlException(key.Start, key.End, "map merge requires map or sequence of maps as the value"),
    };

    /// <summary>A bare boolean or number as a key becomes the text of its JSON form, as sigs.k8s.io/yaml writes it.</summary>
    private static string KeyOf(Scalar key) =>
        key.Style == ScalarStyle.Plain && YamlScalars.Resolve(key.Value) is { } value && value.GetValueKind() != System.Text.Json.JsonValueKind.String
            ? value.ToJsonString()
            : key.Value;

    private JsonNode? Expand(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node)) throw new YamlException(alias.Start, alias.End, $"unknown anchor '{alias.Value}' referenced");
        Count(_sizes[alias.Value.Value], alias);
        return node?.DeepClone();
    }

    private void Count(int nodes, ParsingEvent at)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes) throw new YamlException(at.Start, at.End, "document contains excessive aliasing");
    }
}
