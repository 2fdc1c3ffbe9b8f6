using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;
using Lateen.Support;
using Xunit;

namespace Lateen.Config.Tests.Validation;

/// <summary>Verdicts that Istio's own tools gave.</summary>
public sealed class CorpusTests
{
    [Theory]
    [InlineData("istio-1.30.3.ndjson", true)]
    [InlineData("istio-1.1.17.ndjson", false)]
    public void Verdicts_are_those_of_Istio(string file, bool withWarnings)
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var line in File.ReadLines(Corpora.Require("validation", file)))
        {
            var row = (JsonObject)JsonNode.Parse(line)!;
            var verdict = Given.Verdict((JsonObject)row["resource"]!);
            count++;
            var valid = row["valid"]!.GetValue<bool>();
            var warning = row["warning"]!.GetValue<bool>();
            if (verdict.IsValid != valid || (withWarnings && valid && verdict.Warnings.Count > 0 != warning))
                wrong.Add($"{row["id"]} ({row["case"]}): Istio valid={valid} warning={warning}; here {string.Join(" | ", verdict.Errors)} warnings {string.Join(" | ", verdict.Warnings)}\n    {row["resource"]!["spec"]?.ToJsonString()}");
        }
        Assert.True(count > 100);
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n{string.Join('\n', wrong)}");
    }

    [Theory]
    [InlineData("istio-1.30.3/config")]
    [InlineData("istio-1.1.17/config")]
    [InlineData("istio-1.30.3/samples")]
    [InlineData("istio-1.1.17/samples")]
    public void What_Istio_ships_is_valid(string folder)
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var file in Corpora.Files(folder, ".yaml", ".yml"))
        {
            var text = File.ReadAllText(file);
            if (text.Contains("{{", StringComparison.Ordinal)) continue;
            foreach (var document in YamlReader.ReadAll(text, file))
            {
                if (document.Root is not JsonObject resource) continue;
                count++;
                var verdict = Given.Verdict(resource);
                if (!verdict.IsValid) wrong.Add($"{file}: {string.Join(" | ", verdict.Errors)}");
            }
        }
        Assert.True(count > 20);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
