using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Controllers;

/// <summary>Stateful sets, daemon sets, jobs, plain pods, namespaces and nodes.</summary>
public sealed class WorkloadTests(ClusterWithNode cluster) : ControllerTests(cluster), IClassFixture<ClusterWithNode>
{
    [Fact]
    public async Task AStatefulSetsPodsAreNumberedAndUpdatedFromTheLast()
    {
        var set = Workload("StatefulSet", "s");
        set["spec"]!["replicas"] = 3;
        set["spec"]!["serviceName"] = "s";
        Expect(201, await Api.PostAsync(Apps("statefulsets"), set));
        await Eventually.TrueAsync(async () => (int?)(await Api.GetAsync(Apps("statefulsets", "s"))).Body["status"]!["readyReplicas"] == 3);
        var pods = await PodsAsync();
        Assert.Equal(["s-0", "s-1", "s-2"], pods.Select(pod => (string)pod["metadata"]!["name"]!).Order());
        Assert.Equal("s-0", (string?)pods.First(pod => (string?)pod["metadata"]!["name"] == "s-0")["spec"]!["hostname"]);
        Expect(200, await Api.PatchAsync(Apps("statefulsets", "s"), "strategic", """{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"example.test/app:2"}]}}}}"""));
        await Eventually.TrueAsync(async () => (await PodsAsync()) is { Length: 3 } now && now.All(pod => Image(pod).EndsWith(":2", StringComparison.Ordinal) && IsReady(pod)));
        Expect(200, await Api.PatchAsync(Apps("statefulsets", "s/scale"), "merge", """{"spec":{"replicas":1}}"""));
        await Eventually.TrueAsync(async () => (await PodsAsync()).Select(pod => (string)pod["metadata"]!["name"]!).SequenceEqual(["s-0"]));
    }

    [Fact]
    public async Task ADaemonSetHasAPodOnEachNode()
    {
        Expect(201, await Api.PostAsync(Apps("daemonsets"), Workload("DaemonSet", "d")));
        await Eventually.TrueAsync(async () => (int?)(await Api.GetAsync(Apps("daemonsets", "d"))).Body["status"]!["numberReady"] == 1);
        Assert.Equal("fake-node", (string?)Assert.Single(await PodsAsync())["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task AJobRunsToItsEnd()
    {
        Expect(201, await Api.PostAsync($"/apis/batch/v1/namespaces/{Space}/jobs", Json("""
            {"metadata":{"name":"j"},"spec":{"completions":2,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"main","image":"example.test/task"}]}}}}
            """)));
        await Eventually.TrueAsync(async () => await ConditionAsync($"/apis/batch/v1/namespaces/{Space}/jobs/j", "Complete") == "True");
        Assert.Equal(2, (await PodsAsync()).Length);
    }

    [Fact]
    public async Task AGracefulDeletionWaitsForTheNodeAndAForcedOneDoesNot()
    {
        Expect(201, await Api.PostAsync(Core("pods"), Pod("p", "example.test/app")));
        await Eventually.TrueAsync(async () => IsReady((await Api.GetAsync(Core("pods", "p"))).Body));
        var deleted = Expect(200, await Api.DeleteAsync(Core("pods", "p")));
        Assert.Equal(30, (int?)deleted.Body["metadata"]!["deletionGracePeriodSeconds"]);
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("pods", "p"))).Code == 404);
        Expect(201, await Api.PostAsync(Core("pods"), Pod("q", "example.test/app")));
        Expect(200, await Api.DeleteAsync(Core("pods", "q"), Json("""{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}""")));
        Expect(404, await Api.GetAsync(Core("pods", "q")));
    }

    [Fact]
    public async Task APodGetsItsAccountsTokenAsAVolume()
    {
        var made = Expect(201, await Api.PostAsync(Core("pods"), Pod("p", "example.test/app"))).Body;
        Assert.Equal("default", (string?)made["spec"]!["serviceAccountName"]);
        var volume = ((JsonArray)made["spec"]!["volumes"]!).Single()!;
        Assert.Matches("^kube-api-access-[a-z0-9]{5}$", (string?)volume["name"]);
        Assert.Equal(["serviceAccountToken", "configMap", "downwardAPI"], ((JsonArray)At(volume, "projected", "sources")!).Select(source => ((JsonObject)source!).Single().Key));
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount", (string?)At(made, "spec", "containers", 0, "volumeMounts", 0, "mountPath"));
        var without = Pod("q", "example.test/app");
        without["spec"]!["automountServiceAccountToken"] = false;
        Assert.Null(Expect(201, await Api.PostAsync(Core("pods"), without)).Body["spec"]!["volumes"]);
        var unknown = Pod("r", "example.test/app");
        unknown["spec"]!["serviceAccountName"] = "nobody";
        Assert.Contains("serviceaccount \"nobody\" not found", Expect(403, await Api.PostAsync(Core("pods"), unknown)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASecretMayHoldAnAccountsToken()
    {
        Expect(201, await Api.PostAsync(Core("serviceaccounts"), Json("""{"metadata":{"name":"robot"}}""")));
        Expect(201, await Api.PostAsync(Core("secrets"), Json("""
            {"metadata":{"name":"robot-token","annotations":{"kubernetes.io/service-account.name":"robot"}},"type":"kubernetes.io/service-account-token"}
            """)));
        await Eventually.TrueAsync(async () => At((await Api.GetAsync(Core("secrets", "robot-token"))).Body, "data", "token") is not null);
        var data = (await Api.GetAsync(Core("secrets", "robot-token"))).Body["data"]!;
        using var robot = new ApiClient(Api.Url, System.Text.Encoding.ASCII.GetString(Convert.FromBase64String((string)data["token"]!)));
        Expect(200, await robot.GetAsync(Core("pods")));
        Expect(200, await Api.DeleteAsync(Core("serviceaccounts", "robot")));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("secrets", "robot-token"))).Code == 404);
        Expect(401, await robot.GetAsync(Core("pods")));
    }

    [Fact]
    public async Task APodThatNoNodeTakesWaitsAndSaysWhy()
    {
        var pod = Pod("p", "example.test/app");
        pod["spec"]!["nodeSelector"] = JsonNode.Parse("""{"disk":"ssd"}""");
        Expect(201, await Api.PostAsync(Core("pods"), pod));
        await Eventually.TrueAsync(async () => await ConditionAsync(Core("pods", "p"), "PodScheduled", "reason") == "Unschedulable");
        Expect(200, await Api.PatchAsync("/api/v1/nodes/fake-node", "merge", """{"metadata":{"labels":{"disk":"ssd"}}}"""));
        Expect(200, await Api.PatchAsync("/api/v1/nodes/fake-node", "merge", """{"spec":{"unschedulable":true}}"""));
        Expect(200, await Api.PatchAsync("/api/v1/nodes/fake-node", "merge", """{"spec":{"unschedulable":null}}"""));
        await Eventually.TrueAsync(async () => IsReady((await Api.GetAsync(Core("pods", "p"))).Body));
        Expect(200, await Api.PatchAsync("/api/v1/nodes/fake-node", "merge", """{"metadata":{"labels":{"disk":null}}}"""));
    }

    [Fact]
    public async Task ADeletedNamespaceTakesEverythingAlong()
    {
        Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        await SettledAsync("d", 1);
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        Expect(200, await Api.DeleteAsync("/api/v1/namespaces/" + Space));
        var late = Expect(403, await Api.PostAsync(Core("configmaps"), ConfigMap("b")));
        Assert.Contains($"unable to create new content in namespace {Space} because it is being terminated", late.Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await Api.GetAsync("/api/v1/namespaces/" + Space)).Code == 404);
        Assert.Empty((await Api.GetAsync(Core("configmaps"))).Names);
        Expect(403, await Api.DeleteAsync("/api/v1/namespaces/default"));
    }

    [Fact]
    public async Task ANodeThatFellSilentIsNotReadyAndItsPodsAreNotEvicted()
    {
        const string Old = "2020-01-01T00:00:00Z";
        Expect(201, await Api.PostAsync("/api/v1/nodes", Json($$$"""{"metadata":{"name":"{{{Space}}}"},"spec":{"unschedulable":true}}""")));
        Expect(201, await Api.PostAsync("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", Json($$$"""{"metadata":{"name":"{{{Space}}}"},"spec":{"holderIdentity":"x","renewTime":"2020-01-01T00:00:00.000000Z"}}""")));
        var pod = Pod("p", "example.test/app");
        pod["spec"]!["nodeName"] = Space;
        Expect(201, await Api.PostAsync(Core("pods"), pod));
        Expect(200, await Api.PatchAsync(Core("pods", "p/status"), "merge", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"""));
        Expect(200, await Api.PatchAsync($"/api/v1/nodes/{Space}/status", "merge", $$$"""{"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"{{{Old}}}"}]}}"""));
        await Eventually.TrueAsync(async () => await ConditionAsync("/api/v1/nodes/" + Space, "Ready") == "Unknown", TimeSpan.FromSeconds(60));
        await Eventually.TrueAsync(async () => await ConditionAsync(Core("pods", "p"), "Ready") == "False");
        Assert.Null((await Api.GetAsync(Core("pods", "p"))).Body["metadata"]!["deletionTimestamp"]);
        Expect(200, await Api.DeleteAsync("/api/v1/nodes/" + Space));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("pods", "p"))).Code == 404);
    }

    [Fact]
    public async Task AnEvictionDeletesThePod()
    {
        Expect(201, await Api.PostAsync(Core("pods"), Pod("p", "example.test/app")));
        Expect(201, await Api.PostAsync(Core("pods", "p/eviction"), Json("""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}""")));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("pods", "p"))).Code == 404);
    }

    [Fact]
    public async Task APodsSpecHardlyChanges()
    {
        Expect(201, await Api.PostAsync(Core("pods"), Pod("p", "example.test/app")));
        var refused = Expect(422, await Api.PatchAsync(Core("pods", "p"), "merge", """{"spec":{"hostNetwork":true}}"""));
        Assert.Contains("pod updates may not change fields other than", refused.Message, StringComparison.Ordinal);
        Expect(200, await Api.PatchAsync(Core("pods", "p"), "strategic", """{"spec":{"containers":[{"name":"main","image":"example.test/app:2"}]}}"""));
    }

    private static JsonObject Pod(string name, string image) =>
        new() { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = image }) } };

    private static JsonObject Workload(string kind, string name)
    {
        var value = Deployment(name);
        value["kind"] = kind;
        return value;
    }
}
