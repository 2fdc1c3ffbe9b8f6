using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>Discovery and OpenAPI documents.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class DocumentTests(EmbeddedClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task AggregatedDiscoverySaysWhatThePlainDocumentsSay()
    {
        const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        var answer = Expect(200, await Api.GetAsync("/apis", Aggregated));
        Assert.Contains("as=APIGroupDiscoveryList", answer.ContentType, StringComparison.Ordinal);
        var groups = ((JsonArray)answer.Body["items"]!).ToDictionary(group => (string)group!["metadata"]!["name"]!);
        var plain = (JsonArray)(await Api.GetAsync("/apis")).Body["groups"]!;
        Assert.Equal(plain.Select(group => (string)group!["name"]!), groups.Keys);
        foreach (var group in plain)
            foreach (var version in (JsonArray)group!["versions"]!)
            {
                var listed = (await Api.GetAsync("/apis/" + (string)version!["groupVersion"]!)).Body["resources"]!.AsArray()
                    .Select(resource => (string)resource!["name"]!).Where(name => !name.Contains('/')).ToArray();
                var aggregated = groups[(string)group["name"]!]!["versions"]!.AsArray().Single(entry => (string?)entry!["version"] == (string?)version["version"])!;
                Assert.Equal(listed, aggregated["resources"]!.AsArray().Select(resource => (string)resource!["resource"]!));
            }
        Assert.Equal("pods", (string?)((JsonArray)(await Api.GetAsync("/api", Aggregated)).Body["items"]![0]!["versions"]![0]!["resources"]!)
            .Select(resource => resource!["resource"]).Single(name => (string?)name == "pods"));
    }

    [Fact]
    public async Task EveryReferenceInOpenApiLeadsSomewhere()
    {
        var second = (await Api.GetAsync("/openapi/v2")).Body;
        var definitions = (JsonObject)second["definitions"]!;
        Assert.All(References(second).Distinct(), reference => Assert.True(definitions.ContainsKey(reference["#/definitions/".Length..]), reference));
        foreach (var (path, entry) in (JsonObject)(await Api.GetAsync("/openapi/v3")).Body["paths"]!)
        {
            var document = Expect(200, await Api.GetAsync((string)entry!["serverRelativeURL"]!)).Body;
            var schemas = (JsonObject)document["components"]!["schemas"]!;
            Assert.All(References(document).Distinct(), reference => Assert.True(schemas.ContainsKey(reference["#/components/schemas/".Length..]), $"{path}: {reference}"));
        }
    }

    [Fact]
    public async Task FieldsOfOpenApiAreThoseOfKubernetes()
    {
        var pod = (await Api.GetAsync("/openapi/v2")).Body["definitions"]!["io.k8s.api.core.v1.PodSpec"]!;
        Assert.Equal(("name", "merge"), ((string?)At(pod, "properties", "containers", "x-kubernetes-patch-merge-key"), (string?)At(pod, "properties", "containers", "x-kubernetes-patch-strategy")));
        Assert.Equal("#/definitions/io.k8s.api.core.v1.Container", (string?)At(pod, "properties", "containers", "items", "$ref"));
        Assert.Contains("containers", ((JsonArray)pod["required"]!).Select(name => (string)name!));
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(pair => pair.Key == "$ref" && pair.Value is JsonValue value && value.TryGetValue<string>(out var text) ? [text] : References(pair.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };
}
