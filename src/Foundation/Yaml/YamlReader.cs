using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Lateen.Foundation.Yaml;

/// <summary>
/// Reads YAML the way that Istio and kubectl do (sigs.k8s.io/yaml on go-yaml v2): every document becomes JSON; plain scalars
/// follow YAML 1.1, a bare <c>y</c>, <c>no</c> or <c>off</c> being a boolean; duplicate keys are errors; keys become
/// strings. JSON is read too, being YAML. Depth and the growth by aliases are bounded.
/// </summary>
public static class YamlReader
{
    /// <summary>
    /// All documents of a text, empty ones left out. A document that cannot be read has its error; those before it are
    /// whole, those after it are not looked for.
    /// </summary>
    public static IReadOnlyList<YamlDocument> ReadAll(string text, string file)
    {
        var documents = new List<YamlDocument>();
        var parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        var index = 0;
        var startLine = 1;
        try
        {
            parser.Consume<StreamStart>();
            for (; !parser.TryConsume<StreamEnd>(out _); index++)
            {
                startLine = (int)parser.Consume<DocumentStart>().Start.Line;
                var builder = new YamlTreeBuilder(parser);
                startLine = (int)parser.Current!.Start.Line;
                var root = builder.Build();
                parser.Consume<DocumentEnd>();
                if (root is not null) documents.Add(new YamlDocument(file, index, startLine, root, null, builder.Lines));
            }
        }
        catch (YamlException e)
        {
            documents.Add(Broken(file, index, startLine, $"line {e.End.Line}: {Reason(e)}"));
        }
        return documents;
    }

    /// <summary>Reads a text that must hold one document.</summary>
    /// <exception cref="FormatException">It holds none, more than one, or one that cannot be read; the message names the file.</exception>
    public static JsonNode ReadOne(string text, string file) => ReadAll(text, file) switch
    {
        [{ Error: null, Root: { } root }] => root,
        [{ Error: { } error }, ..] => throw new FormatException($"{file}: {error}"),
        [] => throw new FormatException($"{file}: there is no YAML document"),
        _ => throw new FormatException($"{file}: more than one YAML document"),
    };

    private static YamlDocument Broken(string file, int index, int line, string error) =>
        new(file, index, line, null, error, new Dictionary<string, int>());

    private static string Reason(YamlException e)
    {
        var reason = e.Message;
        var position = reason.IndexOf("): ", StringComparison.Ordinal);
        return reason.StartsWith('(') && position > 0 ? reason[(position + 3)..] : reason;
    }
}
