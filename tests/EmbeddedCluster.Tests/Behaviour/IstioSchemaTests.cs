using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>Istio's own CustomResourceDefinitions, and what they refuse: the embedded server says the same as Kubernetes, word for word.</summary>
public sealed class IstioSchemaTests : IAsyncLifetime
{
    private readonly EmbeddedClusterUnderTest _embedded = new();
    private readonly RealClusterUnderTest _real = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _embedded.DisposeAsync();
        await _real.DisposeAsync();
    }

    [Fact]
    public async Task EveryCaseOfIstiosValidationIsJudgedAsByKubernetes()
    {
        var cases = Corpora.Require("validation", "istio-1.30.3.ndjson");
        var definitions = YamlReader.ReadAll(await File.ReadAllTextAsync(Corpora.Require("istio-1.30.3", "crds", "crd-all.gen.yaml"), TestContext.Current.CancellationToken), "crds");
        ApiClient[] servers = [await _embedded.ClientAsync(), await _real.ClientAsync()];
        var plurals = new Dictionary<string, string>();
        foreach (var definition in definitions)
        {
            var root = (JsonObject)definition.Root!;
            plurals[(string)root["spec"]!["names"]!["kind"]!] = (string)root["spec"]!["names"]!["plural"]!;
            foreach (var server in servers) Assert.Equal(201, (await server.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", root)).Code);
        }
        foreach (var server in servers)
            await Eventually.TrueAsync(async () => (await server.GetAsync("/apis/telemetry.istio.io/v1/telemetries")).Code == 200);
        var (compared, different) = (0, new List<string>());
        foreach (var line in await File.ReadAllLinesAsync(cases, TestContext.Current.CancellationToken))
        {
            var resource = (JsonObject)JsonNode.Parse(line)!["resource"]!;
            if (!plurals.TryGetValue((string)resource["kind"]!, out var plural)) continue;
            resource["metadata"]!["namespace"] = "default";
            var path = $"/apis/{resource["apiVersion"]}/namespaces/default/{plural}?dryRun=All&fieldValidation=Strict";
            var answers = await Task.WhenAll(servers.Select(server => server.PostAsync(path, resource)));
            compared++;
            if (answers[0].Code != answers[1].Code || !Words(answers[0]).SequenceEqual(Words(answers[1]))) different.Add($"{answers[0].Code} {answers[0].Message}\n{answers[1].Code} {answers[1].Message}");
        }
        Assert.True(compared > 200, $"only {compared} cases were compared");
        // Go's parser of URLs explains a bad port in words of its own.
        Assert.DoesNotContain(different, text => !text.Contains("URL parse error", StringComparison.Ordinal));
        Assert.True(different.Count <= 1, string.Join("\n\n", different));
    }

    /// <summary>Neither server keeps the order of its problems.</summary>
    private static IEnumerable<string> Words(ApiAnswer answer) => answer.Message.Split([' ', ',', ':', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
}
