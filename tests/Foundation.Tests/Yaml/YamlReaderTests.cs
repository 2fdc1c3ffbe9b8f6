using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;
using Xunit;

namespace Lateen.Foundation.Tests.Yaml;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("a: 1", """{"a":1}""")]
    [InlineData("a: y\nb: off\nc: Yes\nd: True", """{"a":true,"b":false,"c":true,"d":true}""")]
    [InlineData("a: 'y'\nb: \"off\"", """{"a":"y","b":"off"}""")]
    [InlineData("a: 010\nb: 0x1F\nc: 1_000\nd: -5\ne: 08", """{"a":8,"b":31,"c":1000,"d":-5,"e":8}""")]
    [InlineData("a: 1.5\nb: 1e3\nc: 1.2.3\nd: 400.0\ne: 10m", """{"a":1.5,"b":1000,"c":"1.2.3","d":400,"e":"10m"}""")]
    [InlineData("a: ~\nb:\nc: null", """{"a":null,"b":null,"c":null}""")]
    [InlineData("80: x\ntrue: y2", """{"80":"x","true":"y2"}""")]
    [InlineData("- a\n- b: c", """["a",{"b":"c"}]""")]
    [InlineData("a: &x {b: 1}\nc: *x", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", """{"a":{"b":1},"c":{"d":2,"b":1}}""")]
    [InlineData("""{"a": [1, "two", null]}""", """{"a":[1,"two",null]}""")]
    [InlineData("a: |\n  one\n  two\n", """{"a":"one\ntwo\n"}""")]
    [InlineData("a: 2001-01-01", """{"a":"2001-01-01"}""")]
    public void ReadsAsIstioReads(string yaml, string json)
    {
        var document = Assert.Single(YamlReader.ReadAll(yaml, "f.yaml"));
        Assert.Null(document.Error);
        Assert.Equal(json, document.Root!.ToJsonString());
    }

    [Theory]
    [InlineData("a: 1\na: 2", "key \"a\" already set in map")]
    [InlineData("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2", "key \"b\" already set in map")]
    [InlineData("a: *nope", "nope")]
    [InlineData("a: [1, 2", "line ")]
    [InlineData("a: b\n  c: d", "line 2")]
    public void NamesWhatIsWrong(string yaml, string part)
    {
        var document = Assert.Single(YamlReader.ReadAll(yaml, "f.yaml"));
        Assert.Null(document.Root);
        Assert.Contains(part, document.Error);
    }

    [Fact]
    public void KnowsTheLineOfAField()
    {
        var document = Assert.Single(YamlReader.ReadAll("# comment\nspec:\n  http:\n  - route:\n    - weight: 5\n", "f.yaml"));
        Assert.Equal(2, document.LineOf("spec"));
        Assert.Equal(5, document.LineOf("spec.http[0].route[0].weight"));
        Assert.Equal(5, document.LineOf("spec.http[0].route[0].absent"));
    }

    [Fact]
    public void LeavesEmptyDocumentsOutAndCountsThem()
    {
        var documents = YamlReader.ReadAll("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n", "f.yaml");
        Assert.Equal([1, 3], documents.Select(document => document.Index));
    }

    [Fact]
    public void KeepsTheDocumentsBeforeABrokenOne()
    {
        var documents = YamlReader.ReadAll("a: 1\n---\nb: [\n", "f.yaml");
        Assert.Equal(2, documents.Count);
        Assert.Null(documents[0].Error);
        Assert.NotNull(documents[1].Error);
    }

    [Fact]
    public void RefusesBombs()
    {
        var layers = string.Concat(Enumerable.Range(1, 9).Select(i => $"l{i}: &l{i} [{string.Join(',', Enumerable.Repeat($"*l{i - 1}", 10))}]\n"));
        var document = YamlReader.ReadAll("l0: &l0 [a,a,a,a,a,a,a,a,a,a]\n" + layers, "f.yaml");
        Assert.Contains("excessive aliasing", document[^1].Error);
        Assert.Contains("nested deeper", YamlReader.ReadAll(new string('[', 5000), "f.yaml")[^1].Error);
    }

    [Theory]
    [InlineData("""{"b":1,"a":{"d":[1,{"x":"y"}],"c":"on"}}""", "a:\n  c: \"on\"\n  d:\n  - 1\n  - x: \"y\"\nb: 1\n")]
    [InlineData("""{"a":"x: y","b":"- z","c":"","d":"it's #1","e":"1","f":"a\nb\n"}""", "a: 'x: y'\nb: '- z'\nc: \"\"\nd: 'it''s #1'\ne: \"1\"\nf: |\n  a\n  b\n")]
    public void WritesTheSameBytesAlways(string json, string yaml)
    {
        var tree = JsonNode.Parse(json);
        Assert.Equal(yaml, YamlWriter.ToYaml(tree));
        Assert.True(JsonNode.DeepEquals(tree, YamlReader.ReadOne(yaml, "f.yaml")));
    }
}
