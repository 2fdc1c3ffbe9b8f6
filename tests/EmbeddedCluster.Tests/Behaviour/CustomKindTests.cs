using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>CustomResourceDefinitions and their objects.</summary>
public abstract class CustomKindTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    private string Group => $"{Space}.example.test";

    private string Definition => $"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.{Group}";

    private string Boats(string version = "v1", string name = "") => $"/apis/{Group}/{version}/namespaces/{Space}/boats" + (name.Length > 0 ? "/" + name : "");

    public override async ValueTask DisposeAsync()
    {
        await Api.DeleteAsync(Definition);
        await base.DisposeAsync();
    }

    [Fact]
    public async Task ADefinitionIsServedDiscoveredAndTakesObjects()
    {
        await DefineAsync();
        var discovered = Expect(200, await Api.GetAsync($"/apis/{Group}/v1")).Body;
        var boat = ((JsonArray)discovered["resources"]!).Single(entry => (string?)entry!["name"] == "boats")!;
        Assert.Equal(("Boat", "boat", "bt"), ((string?)boat["kind"], (string?)boat["singularName"], (string?)At(boat, "shortNames", 0)));
        Assert.Contains(((JsonArray)discovered["resources"]!).Select(entry => (string)entry!["name"]!), name => name == "boats/status");
        var made = Expect(201, await Api.PostAsync(Boats(), Boat("a", """{"sails":2}""")));
        Assert.Equal(1, (int?)At(made.Body, "metadata", "generation"));
        Assert.Equal("v1", ((string)(await Api.GetAsync(Boats("v1", "a"))).Body["apiVersion"]!).Split('/')[1]);
        Assert.Equal($"{Group}/v2", (string?)(await Api.GetAsync(Boats("v2", "a"))).Body["apiVersion"]);
        Assert.Equal("BoatList", (string?)(await Api.GetAsync(Boats())).Body["kind"]);
    }

    [Fact]
    public async Task DefaultsAreSetAndUnknownFieldsPruned()
    {
        await DefineAsync();
        var made = Expect(201, await Api.PostAsync(Boats() + "?fieldValidation=Warn", Boat("a", """{"sails":2,"unknown":1,"crew":[{"name":"x"}],"free":{"any":{"thing":1}}}""")));
        Assert.Contains(made.Warnings, warning => warning.Contains("unknown field \\\"spec.unknown\\\"", StringComparison.Ordinal));
        Assert.Null(At(made.Body, "spec", "unknown"));
        Assert.Equal("red", (string?)At(made.Body, "spec", "colour"));
        Assert.Equal("sailor", (string?)At(made.Body, "spec", "crew", 0, "role"));
        Assert.Equal(1, (int?)At(made.Body, "spec", "free", "any", "thing"));
        var strict = Expect(400, await Api.PostAsync(Boats() + "?fieldValidation=Strict", Boat("b", """{"sails":2,"unknown":1,"crew":[{"name":"x","hat":1}]}""")));
        Assert.Equal("Boat in version \"v1\" cannot be handled as a Boat: strict decoding error: unknown field \"spec.crew[0].hat\", unknown field \"spec.unknown\"",
            string.Join(", ", strict.Message.Split(": ", 3)[..2]).Replace(", strict", ": strict", StringComparison.Ordinal) + ": "
            + string.Join(", ", strict.Message.Split(": ", 3)[2].Split(", ").Order()));
    }

    [Theory]
    [InlineData("""{}""", "spec.sails: Required value")]
    [InlineData("""{"sails":"two"}""", "spec.sails: Invalid value: \"string\": spec.sails in body must be of type integer: \"string\"")]
    [InlineData("""{"sails":0}""", "spec.sails: Invalid value: 0: spec.sails in body should be greater than or equal to 1")]
    [InlineData("""{"sails":9}""", "spec.sails: Invalid value: 9: spec.sails in body should be less than or equal to 8")]
    [InlineData("""{"sails":1,"colour":"pink"}""", "spec.colour: Unsupported value: \"pink\": supported values: \"red\", \"blue\"")]
    [InlineData("""{"sails":1,"name":"a b"}""", "spec.name: Invalid value: \"a b\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"sails":1,"name":"abcdefghijk"}""", "spec.name: Too long: may not be more than 10 bytes")]
    [InlineData("""{"sails":1,"port":true}""", "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"sails":1,"crew":[{"name":"a"},{"name":"a"}]}""", "spec.crew[1]: Duplicate value: {\"name\":\"a\"}")]
    [InlineData("""{"sails":1,"crew":[]}""", "spec.crew: Invalid value: 0: spec.crew in body should have at least 1 items")]
    [InlineData("""{"sails":1,"one":1,"two":2}""", "\"spec\" must not validate the schema (not)")]
    [InlineData("""{"sails":3,"colour":"blue"}""", "blue boats have at most two sails")]
    public async Task ABadObjectIsRefusedWithItsField(string spec, string words)
    {
        await DefineAsync();
        var answer = Expect(422, await Api.PostAsync(Boats(), Boat("a", spec)));
        Assert.StartsWith($"Boat.{Group} \"a\" is invalid: ", answer.Message, StringComparison.Ordinal);
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatusAndScaleAreSubresources()
    {
        await DefineAsync();
        Expect(201, await Api.PostAsync(Boats(), Boat("a", """{"sails":2}""")));
        var path = Boats("v1", "a");
        Expect(200, await Api.PatchAsync(path + "/status", "merge", """{"status":{"sails":2},"spec":{"sails":5}}"""));
        var read = (await Api.GetAsync(path)).Body;
        Assert.Equal((2, 2, 1), ((int?)At(read, "spec", "sails"), (int?)At(read, "status", "sails"), (int?)At(read, "metadata", "generation")));
        var scale = Expect(200, await Api.GetAsync(path + "/scale")).Body;
        Assert.Equal((2, 2), ((int?)At(scale, "spec", "replicas"), (int?)At(scale, "status", "replicas")));
        Expect(200, await Api.PatchAsync(path + "/scale", "merge", """{"spec":{"replicas":3}}"""));
        var scaled = (await Api.GetAsync(path)).Body;
        Assert.Equal((3, 2), ((int?)At(scaled, "spec", "sails"), (int?)At(scaled, "metadata", "generation")));
        Expect(415, await Api.PatchAsync(path, "strategic", "{}"));
    }

    [Fact]
    public async Task ATableHasTheDefinedColumns()
    {
        await DefineAsync();
        Expect(201, await Api.PostAsync(Boats(), Boat("a", """{"sails":2,"crew":[{"name":"x"},{"name":"y"}]}""")));
        var table = Expect(200, await Api.GetAsync(Boats(), "application/json;as=Table;v=v1;g=meta.k8s.io")).Body;
        Assert.Equal(["Name", "Sails", "Mate", "Age"], ((JsonArray)table["columnDefinitions"]!).Select(column => (string)column!["name"]!));
        var cells = (JsonArray)At(table, "rows", 0, "cells")!;
        Assert.Equal(("a", 2, "y"), ((string?)cells[0], (int?)cells[1], (string?)cells[2]));
    }

    [Fact]
    public async Task ADefinitionTakesItsObjectsAlong()
    {
        if (!Cluster.HasControllers) Assert.Skip("the real server has no namespace controller here, but deletes objects of a definition itself");
        await DefineAsync();
        Expect(201, await Api.PostAsync(Boats(), Boat("a", """{"sails":2}""")));
        Expect(200, await Api.DeleteAsync(Definition));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Definition)).Code == 404);
        Expect(404, await Api.GetAsync(Boats()));
        await DefineAsync();
        Assert.Empty((await Api.GetAsync(Boats())).Names);
    }

    [Theory]
    [InlineData("metadata", """{"name":"wrong"}""", "metadata.name: Invalid value: \"wrong\": must be spec.names.plural+\".\"+spec.group")]
    [InlineData("versions", """[{"name":"v1","served":true,"storage":true}]""", "spec.versions[0].schema.openAPIV3Schema: Required value")]
    [InlineData("versions", """[{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]""", "must have exactly one version marked as storage version")]
    public async Task ABadDefinitionIsRefused(string field, string value, string words)
    {
        var definition = BoatDefinition();
        if (field == "metadata") definition[field] = JsonNode.Parse(value);
        else definition["spec"]![field] = JsonNode.Parse(value);
        var answer = Expect(422, await Api.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    private async Task DefineAsync()
    {
        Expect(201, await Api.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", BoatDefinition()));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Boats("v2"))).Code == 200 && (await Api.GetAsync($"/apis/{Group}/v1")).Code == 200);
    }

    private JsonObject Boat(string name, string spec) => Json($$$"""{"apiVersion":"{{{Group}}}/v1","kind":"Boat","metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""");

    private JsonObject BoatDefinition()
    {
        const string Schema = """
            {"type":"object","properties":{
              "spec":{"type":"object","required":["sails"],"not":{"required":["one","two"]},
                "x-kubernetes-validations":[{"rule":"!has(self.colour) || self.colour != 'blue' || self.sails <= 2","message":"blue boats have at most two sails"}],
                "properties":{
                "sails":{"type":"integer","minimum":1,"maximum":8},"colour":{"type":"string","default":"red","enum":["red","blue"]},
                "name":{"type":"string","pattern":"^[a-z]+$","maxLength":10},"port":{"x-kubernetes-int-or-string":true},
                "one":{"type":"integer"},"two":{"type":"integer"},
                "crew":{"type":"array","minItems":1,"maxItems":20,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],
                  "properties":{"name":{"type":"string"},"role":{"type":"string","default":"sailor"}}}},
                "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
              "status":{"type":"object","properties":{"sails":{"type":"integer"}}}}}
            """;
        JsonObject Version(string name, bool storage) => new()
        {
            ["name"] = name, ["served"] = true, ["storage"] = storage, ["schema"] = new JsonObject { ["openAPIV3Schema"] = JsonNode.Parse(Schema) },
            ["subresources"] = JsonNode.Parse("""{"status":{},"scale":{"specReplicasPath":".spec.sails","statusReplicasPath":".status.sails"}}"""),
            ["additionalPrinterColumns"] = JsonNode.Parse("""
                [{"name":"Sails","type":"integer","jsonPath":".spec.sails"},{"name":"Mate","type":"string","jsonPath":".spec.crew[1].name"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}]
                """),
        };
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1", ["kind"] = "CustomResourceDefinition", ["metadata"] = new JsonObject { ["name"] = $"boats.{Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = Group, ["scope"] = "Namespaced", ["names"] = JsonNode.Parse("""{"plural":"boats","singular":"boat","kind":"Boat","shortNames":["bt"]}"""),
                ["versions"] = new JsonArray(Version("v1", true), Version("v2", false)),
            },
        };
    }
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedCustomKindTests(EmbeddedClusterUnderTest cluster) : CustomKindTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealCustomKindTests(RealClusterUnderTest cluster) : CustomKindTests(cluster);
