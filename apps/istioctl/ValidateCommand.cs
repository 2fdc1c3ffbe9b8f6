using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Config;
using Lateen.Config.Validation;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Yaml;

/// <summary>The command <c>istioctl validate</c>: a verdict on every document of files, by the rules of the webhook.</summary>
internal static class ValidateCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var files = new Option<string[]>("--filename", "-f") { Description = "File, or folder of files, to validate; - is standard input", Required = true, AllowMultipleArgumentsPerToken = true };
        var output = new Option<string?>("--output", "-o") { Description = "json for one verdict per document" };
        var command = new Command("validate", "Validate Istio configuration files, with no cluster") { files, output };
        command.SetAction(parsed =>
        {
            var json = parsed.GetValue(output) switch
            {
                null or "" => false,
                "json" => true,
                var other => throw new CommandFailedException(CommandHost.BadUsage, $"--output {other}: there is json"),
            };
            var verdicts = parsed.GetValue(files)!.SelectMany(Expand).SelectMany(Judge).ToList();
            if (json) Console.WriteLine(new JsonArray([.. verdicts.Select(verdict => verdict.ToJson())]).ToJsonString(Indented));
            else Print(verdicts);
            return verdicts.TrueForAll(verdict => verdict.Errors.Count == 0) ? 0 : 1;
        });
        return command;
    }

    private static IEnumerable<string> Expand(string path) => !Directory.Exists(path) ? [path] : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
        .Where(file => Path.GetExtension(file) is ".yaml" or ".yml" or ".json").Order(StringComparer.Ordinal);

    private static IEnumerable<Verdict> Judge(string file)
    {
        string text;
        try
        {
            text = file == "-" ? Console.In.ReadToEnd() : File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"{file}: {e.Message}", e);
        }
        var number = 0;
        foreach (var document in YamlReader.ReadAll(text, file))
        {
            var verdict = new Verdict(file, number++);
            if (document.Error is { } error) yield return verdict with { Errors = [error.ToString()] };
            else if (document.Root is JsonObject { } list && (string?)list["kind"] == "List" && list["items"] is JsonArray items)
                foreach (var item in items) yield return Judge(verdict, item, file);
            else if (document.Root is not null) yield return Judge(verdict, document.Root, file);
        }
    }

    private static Verdict Judge(Verdict verdict, JsonNode? root, string file)
    {
        if (root is not JsonObject json) return verdict with { Errors = ["a document must be an object"] };
        var metadata = json["metadata"] as JsonObject;
        verdict = verdict with { Kind = Text(json["kind"]), Namespace = Text(metadata?["namespace"]), Name = Text(metadata?["name"]) };
        var read = ConfigReader.Read(json, file);
        if (read.Object is not { } item) return verdict with { Errors = Texts(read.Errors), Warnings = Texts(read.Warnings) };
        var result = ConfigValidator.Validate(item);
        return verdict with { Errors = Texts(result.Errors), Warnings = [.. Texts(read.Warnings), .. Texts(result.Warnings)] };
    }

    private static void Print(List<Verdict> verdicts)
    {
        foreach (var file in verdicts.GroupBy(verdict => verdict.File))
        {
            foreach (var verdict in file)
                foreach (var warning in verdict.Warnings) Console.Error.WriteLine($"Warning: {file.Key}: {verdict.Title}: {warning}");
            var errors = file.SelectMany(verdict => verdict.Errors.Select(error => $"{verdict.Title}: {error}")).ToList();
            if (errors.Count == 0) Console.WriteLine($"\"{file.Key}\" is valid");
            else Console.Error.WriteLine($"Error: {file.Key}: {errors.Count} error{(errors.Count == 1 ? "" : "s")} occurred:\n{string.Join('\n', errors.Select(error => $"\t* {error}"))}");
        }
    }

    private static List<string> Texts(IReadOnlyList<FieldProblem> problems) => [.. problems.Select(problem => problem.ToString())];

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private sealed record Verdict(string File, int Document)
    {
        public string Kind { get; init; } = "";

        public string Namespace { get; init; } = "";

        public string Name { get; init; } = "";

        public IReadOnlyList<string> Errors { get; init; } = [];

        public IReadOnlyList<string> Warnings { get; init; } = [];

        public string Title => Kind.Length == 0 ? $"document {Document}" : $"{Kind}/{Namespace}/{Name}";

        public JsonNode ToJson() => new JsonObject
        {
            ["file"] = File,
            ["document"] = Document,
            ["kind"] = Kind,
            ["namespace"] = Namespace,
            ["name"] = Name,
            ["valid"] = Errors.Count == 0,
            ["errors"] = new JsonArray([.. Errors.Select(error => JsonValue.Create(error))]),
            ["warnings"] = new JsonArray([.. Warnings.Select(warning => JsonValue.Create(warning))]),
        };
    }
}
