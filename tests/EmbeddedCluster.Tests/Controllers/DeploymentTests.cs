using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Controllers;

/// <summary>Deployments: from objects to pods and back.</summary>
public sealed class DeploymentTests(ClusterWithNode cluster) : ControllerTests(cluster), IClassFixture<ClusterWithNode>
{
    [Fact]
    public async Task ADeploymentBecomesPodsAndSaysSo()
    {
        await DeployAsync("d", 3);
        await SettledAsync("d", 3);
        var pods = await PodsAsync();
        Assert.Equal(3, pods.Count(IsReady));
        var set = Assert.Single(await ItemsAsync(Apps("replicasets")));
        Assert.StartsWith("d-", (string?)set["metadata"]!["name"], StringComparison.Ordinal);
        Assert.All(pods, pod => Assert.Equal((string?)set["metadata"]!["labels"]!["pod-template-hash"], (string?)pod["metadata"]!["labels"]!["pod-template-hash"]));
        Assert.Equal("True", await ConditionAsync(Apps("deployments", "d"), "Available"));
        Assert.Equal("NewReplicaSetAvailable", await ConditionAsync(Apps("deployments", "d"), "Progressing", "reason"));
        var reasons = (await ItemsAsync(Core("events"))).Select(entry => (string)entry["reason"]!).ToHashSet();
        Assert.Superset(new HashSet<string> { "ScalingReplicaSet", "SuccessfulCreate", "Scheduled" }, reasons);
    }

    [Fact]
    public async Task ADeletedPodIsReplaced()
    {
        await DeployAsync("d", 2);
        await SettledAsync("d", 2);
        var victim = (string)(await PodsAsync())[0]["metadata"]!["name"]!;
        Expect(200, await Api.DeleteAsync(Core("pods", victim)));
        await Eventually.TrueAsync(async () => (await PodsAsync()) is { Length: 2 } pods && pods.All(IsReady) && pods.All(pod => (string?)pod["metadata"]!["name"] != victim));
    }

    [Fact]
    public async Task ARollingUpdateKeepsEnoughPodsReady()
    {
        await DeployAsync("d", 4);
        await SettledAsync("d", 4);
        using var watch = await Api.WatchAsync(Core("pods") + "?watch=1");
        var ready = new Dictionary<string, bool>();
        var (least, most) = (int.MaxValue, 0);
        var following = Task.Run(async () =>
        {
            while (await watch.NextAsync() is { } change)
            {
                var name = (string)change.Object["metadata"]!["name"]!;
                if (change.Type == "DELETED") ready.Remove(name);
                else ready[name] = IsReady(change.Object) && change.Object["metadata"]!["deletionTimestamp"] is null;
                if (ready.Count < 4) continue;
                least = Math.Min(least, ready.Values.Count(value => value));
                most = Math.Max(most, ready.Count);
            }
        }, TestContext.Current.CancellationToken);
        await SetImageAsync("d", "example.test/app:2");
        await SettledAsync("d", 4);
        await Eventually.TrueAsync(async () => (await PodsAsync()) is { Length: 4 } pods && pods.All(pod => Image(pod) == "example.test/app:2"));
        watch.Dispose();
        await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        // A quarter of four may be missing, and a quarter too many; a pod that ends still counts for a moment.
        Assert.True(least >= 3, $"only {least} of 4 were ready");
        Assert.InRange(most, 5, 6);
        Assert.Equal(["1", "2"], (await ItemsAsync(Apps("replicasets"))).Select(set => (string)set["metadata"]!["annotations"]!["deployment.kubernetes.io/revision"]!).Order());
    }

    [Fact]
    public async Task ABrokenUpdateLeavesTheOldPodsServing()
    {
        await DeployAsync("d", 4);
        await SettledAsync("d", 4);
        await SetImageAsync("d", "example.test/broken:2");
        await Eventually.TrueAsync(async () => (await PodsAsync()).Count(pod => Image(pod).Contains("broken", StringComparison.Ordinal)) == 2);
        await Eventually.TrueAsync(async () => (await PodsAsync()).Count(IsReady) == 3);
        Assert.Equal("True", await ConditionAsync(Apps("deployments", "d"), "Available"));
        await SetImageAsync("d", "example.test/app:1");
        await SettledAsync("d", 4);
        var revision = (string?)(await Api.GetAsync(Apps("deployments", "d"))).Body["metadata"]!["annotations"]!["deployment.kubernetes.io/revision"];
        Assert.Equal("3", revision);
        Assert.Equal(2, (await ItemsAsync(Apps("replicasets"))).Length);
    }

    [Fact]
    public async Task RecreateEndsEveryOldPodFirst()
    {
        var deployment = Deployment("d");
        deployment["spec"]!["strategy"] = JsonNode.Parse("""{"type":"Recreate"}""");
        Expect(201, await Api.PostAsync(Apps("deployments"), deployment));
        await SettledAsync("d", 1);
        await SetImageAsync("d", "example.test/app:2");
        await SettledAsync("d", 1);
        Assert.Equal("example.test/app:2", Image(Assert.Single(await PodsAsync())));
    }

    [Fact]
    public async Task ScalingGoesBothWaysAndOldSetsAreForgotten()
    {
        await DeployAsync("d", 1);
        await SettledAsync("d", 1);
        Expect(200, await Api.PatchAsync(Apps("deployments", "d/scale"), "merge", """{"spec":{"replicas":3}}"""));
        await SettledAsync("d", 3);
        Expect(200, await Api.PatchAsync(Apps("deployments", "d"), "merge", """{"spec":{"replicas":0,"revisionHistoryLimit":1}}"""));
        await SettledAsync("d", 0);
        await Eventually.TrueAsync(async () => (await PodsAsync()).Length == 0);
        foreach (var tag in (string[])["2", "3", "4"])
        {
            await SetImageAsync("d", "example.test/app:" + tag);
            await SettledAsync("d", 0);
        }
        await Eventually.TrueAsync(async () => (await ItemsAsync(Apps("replicasets"))).Length == 2);
    }

    [Fact]
    public async Task DeletingADeploymentTakesItsPodsAlongUnlessTheyAreOrphaned()
    {
        await DeployAsync("d", 2);
        await SettledAsync("d", 2);
        Expect(200, await Api.DeleteAsync(Apps("deployments", "d"), Json("""{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}""")));
        await Eventually.TrueAsync(async () => (await PodsAsync()).Length == 0 && (await ItemsAsync(Apps("replicasets"))).Length == 0);

        await DeployAsync("e", 2);
        await SettledAsync("e", 2);
        Expect(200, await Api.DeleteAsync(Apps("deployments", "e"), Json("""{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground"}""")));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Apps("deployments", "e"))).Code == 404);
        Assert.Empty(await ItemsAsync(Apps("replicasets")));

        await DeployAsync("f", 2);
        await SettledAsync("f", 2);
        Expect(200, await Api.DeleteAsync(Apps("deployments", "f"), Json("""{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan"}""")));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Apps("deployments", "f"))).Code == 404);
        Assert.Null(Assert.Single(await ItemsAsync(Apps("replicasets")))["metadata"]!["ownerReferences"]);
        Assert.Equal(2, (await PodsAsync()).Length);
        await DeployAsync("f", 2);
        await SettledAsync("f", 2);
        Assert.Single(await ItemsAsync(Apps("replicasets")));
    }

    [Fact]
    public async Task ADeploymentOfTheOldApiTakesItsSelectorFromTheTemplate()
    {
        var old = Deployment("old");
        old["apiVersion"] = "extensions/v1beta1";
        ((JsonObject)old["spec"]!).Remove("selector");
        var made = Expect(201, await Api.PostAsync($"/apis/extensions/v1beta1/namespaces/{Space}/deployments", old));
        Assert.Equal("extensions/v1beta1", (string?)made.Body["apiVersion"]);
        Assert.Contains(made.Warnings, warning => warning.Contains("extensions/v1beta1 Deployment is deprecated", StringComparison.Ordinal));
        await SettledAsync("old", 1);
        Assert.Equal("old", (string?)(await Api.GetAsync(Apps("deployments", "old"))).Body["spec"]!["selector"]!["matchLabels"]!["app"]);
    }

    private async Task DeployAsync(string name, int replicas)
    {
        var deployment = Deployment(name);
        deployment["spec"]!["replicas"] = replicas;
        Expect(201, await Api.PostAsync(Apps("deployments"), deployment));
    }

    private async Task SetImageAsync(string name, string image) => Expect(200, await Api.PatchAsync(Apps("deployments", name), "strategic",
        new JsonObject { ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = image }) } } } }.ToJsonString()));
}
