using System.Text.Json.Nodes;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>The four kinds of patches.</summary>
public abstract class PatchTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    private string D => Apps("deployments", "d");

    [Fact]
    public async Task AJsonPatchAppliesAllOrNothing()
    {
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var path = Core("configmaps", "a");
        var done = Expect(200, await Api.PatchAsync(path, "json", """[{"op":"test","path":"/data/key","value":"x"},{"op":"add","path":"/metadata/annotations","value":{"a/b":"1"}},{"op":"replace","path":"/metadata/annotations/a~1b","value":"y"},{"op":"remove","path":"/data/key"}]"""));
        Assert.Equal("""{"a/b":"y"}""", At(done.Body, "metadata", "annotations")!.ToJsonString());
        Assert.Null(done.Body["data"]);
        Expect(422, await Api.PatchAsync(path, "json", """[{"op":"test","path":"/data/key","value":"z"}]"""));
        Expect(422, await Api.PatchAsync(path, "json", """[{"op":"add","path":"/data/new","value":"y"},{"op":"remove","path":"/data/none"}]"""));
        Assert.Null((await Api.GetAsync(path)).Body["data"]);
        Expect(400, await Api.PatchAsync(path, "json", "{}"));
    }

    [Fact]
    public async Task AMergePatchReplacesListsAndRemovesNulls()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        var done = Expect(200, await Api.PatchAsync(D, "merge", """{"metadata":{"labels":{"a":"b"}},"spec":{"template":{"spec":{"containers":[{"name":"other","image":"i"}]}}}}"""));
        Assert.Equal(["other"], Containers(done));
        Assert.Null(At(Expect(200, await Api.PatchAsync(D, "merge", """{"metadata":{"labels":{"a":null}}}""")).Body, "metadata", "labels"));
    }

    [Fact]
    public async Task AStrategicPatchMergesContainersByNameAndTheirEnvironment()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        var done = Expect(200, await Api.PatchAsync(D, "strategic", """
            {"spec":{"template":{"spec":{"containers":[{"name":"main","image":"example.test/app:2","env":[{"name":"B","value":"b"}]},{"name":"side","image":"s"}]}}}}
            """));
        Assert.Equal(["main", "side"], Containers(done).Order());
        var main = ((JsonArray)At(done.Body, "spec", "template", "spec", "containers")!).Single(container => (string?)container!["name"] == "main")!;
        Assert.Equal("example.test/app:2", (string?)main["image"]);
        Assert.Equal(["A", "B"], ((JsonArray)main["env"]!).Select(entry => (string)entry!["name"]!).Order());
        Assert.Equal(80, (int?)At(main, "ports", 0, "containerPort"));
    }

    [Fact]
    public async Task AStrategicPatchDeletesReplacesAndOrders()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        await Api.PatchAsync(D, "strategic", """{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}""");
        var ordered = Expect(200, await Api.PatchAsync(D, "strategic", """
            {"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"main"},{"name":"side"}],"containers":[{"name":"side","image":"s2"}]}}}}
            """));
        Assert.Equal(["main", "side"], Containers(ordered));
        var gone = Expect(200, await Api.PatchAsync(D, "strategic", """{"spec":{"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}"""));
        Assert.Equal(["main"], Containers(gone));
        var replaced = Expect(200, await Api.PatchAsync(D, "strategic", """{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"only","image":"o"}]}}}}"""));
        Assert.Equal(["only"], Containers(replaced));
        var recreate = Expect(200, await Api.PatchAsync(D, "strategic", """{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"""));
        Assert.Equal("""{"type":"Recreate"}""", At(recreate.Body, "spec", "strategy")!.ToJsonString());
    }

    [Fact]
    public async Task APatchThatLeavesABadObjectIsRefused()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        var answer = Expect(422, await Api.PatchAsync(D, "merge", """{"spec":{"selector":{"matchLabels":{"app":"other"}}}}"""));
        Assert.Contains("`selector` does not match template `labels`", answer.Message, StringComparison.Ordinal);
        Assert.Contains("spec.selector: Invalid value: ", answer.Message, StringComparison.Ordinal);
        Assert.Contains("field is immutable", answer.Message, StringComparison.Ordinal);
        Expect(404, await Api.PatchAsync(Apps("deployments", "none"), "merge", "{}"));
    }

    [Fact]
    public async Task ServerSideApplyMakesMergesAndPrunes()
    {
        var path = D + "?fieldManager=one";
        var deployment = Deployment("d");
        deployment["metadata"]!["labels"] = new JsonObject { ["a"] = "1", ["b"] = "2" };
        Expect(201, await Api.PatchAsync(path, "apply", deployment.ToJsonString()));
        ((JsonObject)deployment["metadata"]!["labels"]!).Remove("b");
        var second = Expect(200, await Api.PatchAsync(path, "apply", deployment.ToJsonString()));
        Assert.Equal("""{"a":"1"}""", At(second.Body, "metadata", "labels")!.ToJsonString());
        var third = Expect(200, await Api.PatchAsync(path, "apply", deployment.ToJsonString()));
        Assert.Equal(1, (int?)At(third.Body, "metadata", "generation"));
    }

    [Fact]
    public async Task ServerSideApplyRefusesToTakeWhatAnotherManagerSet()
    {
        var deployment = Deployment("d");
        deployment["spec"]!["replicas"] = 1;
        Expect(201, await Api.PatchAsync(D + "?fieldManager=one", "apply", deployment.ToJsonString()));
        Expect(200, await Api.PatchAsync(D + "?fieldManager=scaler", "merge", """{"spec":{"replicas":3}}"""));
        var conflict = Expect(409, await Api.PatchAsync(D + "?fieldManager=one", "apply", deployment.ToJsonString()));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"scaler\" using apps/v1: .spec.replicas", conflict.Message);
        Assert.Equal(("FieldManagerConflict", ".spec.replicas"), ((string?)At(conflict.Body, "details", "causes", 0, "reason"), (string?)At(conflict.Body, "details", "causes", 0, "field")));
        var forced = Expect(200, await Api.PatchAsync(D + "?fieldManager=one&force=true", "apply", deployment.ToJsonString()));
        Assert.Equal(1, (int?)At(forced.Body, "spec", "replicas"));
        ((JsonObject)deployment["spec"]!).Remove("replicas");
        var kept = Expect(200, await Api.PatchAsync(D + "?fieldManager=two", "apply", deployment.ToJsonString()));
        Assert.Equal(["one", "two"], Managers(kept, "Apply"));
        Assert.Equal(1, (int?)At(kept.Body, "spec", "replicas"));
    }

    [Fact]
    public async Task ManagedFieldsSayWhoSetWhat()
    {
        var made = Expect(201, await Api.PostAsync(Core("configmaps") + "?fieldManager=maker", ConfigMap("a")));
        Assert.Equal(["maker"], Managers(made, "Update"));
        Assert.NotNull(At(made.Body, "metadata", "managedFields", 0, "fieldsV1", "f:data", "f:key"));
        var changed = Expect(200, await Api.PatchAsync(Core("configmaps", "a") + "?fieldManager=other", "merge", """{"data":{"key":"y"}}"""));
        Assert.Contains("other", Managers(changed, "Update"));
    }

    [Fact]
    public async Task ScaleIsASubresource()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        var scale = Expect(200, await Api.GetAsync(D + "/scale")).Body;
        Assert.Equal(("Scale", "app=d", 1), ((string?)scale["kind"], (string?)At(scale, "status", "selector"), (int?)At(scale, "spec", "replicas")));
        Expect(200, await Api.PatchAsync(D + "/scale", "merge", """{"spec":{"replicas":0}}"""));
        Assert.Equal(0, (int?)At((await Api.GetAsync(D)).Body, "spec", "replicas"));
        scale["spec"]!["replicas"] = -1;
        Expect(422, await Api.PutAsync(D + "/scale", scale));
    }

    private static string[] Containers(ApiAnswer answer) => [.. ((JsonArray)At(answer.Body, "spec", "template", "spec", "containers")!).Select(container => (string)container!["name"]!)];

    private static string[] Managers(ApiAnswer answer, string operation) => [.. ((JsonArray)At(answer.Body, "metadata", "managedFields")!)
        .Where(entry => (string?)entry!["operation"] == operation).Select(entry => (string)entry!["manager"]!).Order()];
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedPatchTests(EmbeddedClusterUnderTest cluster) : PatchTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealPatchTests(RealClusterUnderTest cluster) : PatchTests(cluster);
