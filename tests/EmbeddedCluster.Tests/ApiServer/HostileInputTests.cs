using System.Text;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>Nothing that a client sends makes the server fail: every answer is a refusal of 4xx, and the server goes on.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class HostileInputTests(EmbeddedClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task TooMuchAndTooDeepIsRefused()
    {
        var large = Json("""{"metadata":{"name":"a"},"data":{}}""");
        large["data"]!["k"] = new string('x', 4 << 20);
        Assert.Equal(413, (await Api.PostAsync(Core("configmaps"), large)).Code);
        var deep = new StringBuilder("""{"metadata":{"name":"a"},"x":""").Insert(new StringBuilder("""{"metadata":{"name":"a"},"x":""").Length, "[", 100_000).ToString();
        Expect(400, await Api.SendAsync(HttpMethod.Post, Core("configmaps"), deep, "application/json"));
        Expect(400, await Api.SendAsync(HttpMethod.Post, Core("configmaps"), string.Concat(Enumerable.Repeat("a: &a [*a", 1000)), "application/yaml"));
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("ok")));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("1e999")]
    [InlineData("""{"metadata":null}""")]
    [InlineData("""{"metadata":[]}""")]
    [InlineData("""{"metadata":{"name":1}}""")]
    [InlineData("""{"metadata":{"name":"a","labels":[]}}""")]
    [InlineData("""{"metadata":{"name":"a","ownerReferences":[{}]}}""")]
    [InlineData("""{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:x":1,"k:{":{}}}]},"data":{"a":1}}""")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"k":1e400}}""")]
    [InlineData("{\"metadata\":{\"name\":\"\\ud800\"}}")]
    public async Task OddObjectsAreRefused(string body)
    {
        var answer = await Api.SendAsync(HttpMethod.Post, Core("configmaps"), body, "application/json");
        Assert.InRange(answer.Code, 400, 422);
    }

    [Theory]
    [InlineData("json", """[{"op":"add","path":"/data/a/b/c","value":1}]""")]
    [InlineData("json", """[{"op":"move","from":"","path":"/data"}]""")]
    [InlineData("json", """[{"op":"replace","path":"","value":[]}]""")]
    [InlineData("json", """[{"path":1}]""")]
    [InlineData("merge", """[]""")]
    [InlineData("merge", """{"metadata":"x"}""")]
    [InlineData("merge", """{"metadata":{"name":"other"}}""")]
    [InlineData("strategic", """{"$patch":"explode"}""")]
    [InlineData("strategic", """{"metadata":{"ownerReferences":[1]}}""")]
    [InlineData("strategic", """{"metadata":{"$setElementOrder/ownerReferences":5,"ownerReferences":[{}]}}""")]
    [InlineData("apply", "a: [")]
    [InlineData("apply", """{"apiVersion":"v1","kind":"Secret"}""")]
    public async Task OddPatchesAreRefused(string type, string patch)
    {
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var answer = await Api.PatchAsync(Core("configmaps", "a") + "?fieldManager=x", type, patch);
        Assert.InRange(answer.Code, 400, 422);
        Assert.Equal("x", (string?)(await Api.GetAsync(Core("configmaps", "a"))).Body["data"]!["key"]);
    }

    [Theory]
    [InlineData("/api/v1/namespaces/a%2fb/configmaps/..%2f..")]
    [InlineData("/apis//v1/x")]
    [InlineData("/api/v1/configmaps?continue=AAAA")]
    [InlineData("/api/v1/configmaps?resourceVersion=-1")]
    [InlineData("/api/v1/configmaps?limit=99999999999999999999")]
    [InlineData("/api/v1/configmaps?labelSelector=%28%28")]
    [InlineData("/api/v1/configmaps?watch=1&resourceVersion=abc")]
    [InlineData("/openapi/v3/../../etc/passwd")]
    public async Task OddPathsAreRefused(string path) => Assert.InRange((await Api.GetAsync(path)).Code, 400, 404);

    [Fact]
    public async Task DamagedProtobufIsRefused()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var body = new byte[random.Next(4, 200)];
            random.NextBytes(body);
            "k8s\0"u8.CopyTo(body);
            // Latin1 keeps the bytes apart from the length; what arrives is as odd either way.
            var answer = await Api.SendAsync(HttpMethod.Post, Core("configmaps"), Encoding.Latin1.GetString(body), "application/vnd.kubernetes.protobuf");
            Assert.Equal(400, answer.Code);
        }
    }

    [Fact]
    public async Task ARuleThatNeverEndsIsStopped()
    {
        var group = Space + ".example.test";
        Expect(201, await Api.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Json("""
            {"metadata":{"name":"loops.GROUP"},"spec":{"group":"GROUP","scope":"Cluster","names":{"plural":"loops","kind":"Loop"},"versions":[{"name":"v1","served":true,"storage":true,
              "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"array","items":{"type":"integer"},
                "x-kubernetes-validations":[{"rule":"self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))"}]}}}}}]}}
            """.Replace("GROUP", group, StringComparison.Ordinal))));
        var loop = Json($$$"""{"apiVersion":"{{{group}}}/v1","kind":"Loop","metadata":{"name":"a"}}""");
        loop["spec"] = new System.Text.Json.Nodes.JsonArray([.. Enumerable.Range(0, 300).Select(number => (System.Text.Json.Nodes.JsonNode)number)]);
        Assert.Contains("cost limit exceeded", Expect(422, await Api.PostAsync($"/apis/{group}/v1/loops", loop)).Message, StringComparison.Ordinal);
        Expect(200, await Api.DeleteAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loops.{group}"));
    }
}
