using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Controllers;

/// <summary>Endpoints and endpoint slices.</summary>
public sealed class EndpointsTests(ClusterWithNode cluster) : ControllerTests(cluster), IClassFixture<ClusterWithNode>
{
    private string Slices => $"/apis/discovery.k8s.io/v1/namespaces/{Space}/endpointslices";

    [Fact]
    public async Task AServicesEndpointsFollowItsReadyPods()
    {
        var deployment = Deployment("d");
        deployment["spec"]!["replicas"] = 2;
        deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["ports"] = JsonNode.Parse("""[{"name":"web","containerPort":8080}]""");
        Expect(201, await Api.PostAsync(Apps("deployments"), deployment));
        Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"d"},"spec":{"selector":{"app":"d"},"ports":[{"name":"http","port":80,"targetPort":"web","appProtocol":"http"}]}}""")));
        await Eventually.TrueAsync(async () => (await AddressesAsync("d")).Length == 2);
        var subset = At((await Api.GetAsync(Core("endpoints", "d"))).Body, "subsets", 0)!;
        Assert.Equal((8080, "http"), ((int?)At(subset, "ports", 0, "port"), (string?)At(subset, "ports", 0, "name")));
        Assert.Equal("Pod", (string?)At(subset, "addresses", 0, "targetRef", "kind"));
        var slice = Assert.Single(await ItemsAsync(Slices));
        Assert.Equal("d", (string?)slice["metadata"]!["labels"]!["kubernetes.io/service-name"]);
        Assert.Equal(("IPv4", 8080, "http"), ((string?)slice["addressType"], (int?)At(slice, "ports", 0, "port"), (string?)At(slice, "ports", 0, "appProtocol")));
        Assert.Equal(2, ((JsonArray)slice["endpoints"]!).Count);

        var pod = (await PodsAsync())[0];
        Expect(200, await Api.PatchAsync(Core("pods", (string)pod["metadata"]!["name"]! + "/status"), "merge", """{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"""));
        await Eventually.TrueAsync(async () => (await AddressesAsync("d")).Length == 1);
        await Eventually.TrueAsync(async () => (await ItemsAsync(Slices)) is [var one] && ((JsonArray)one["endpoints"]!).Count(endpoint => (bool?)At(endpoint, "conditions", "ready") == true) == 1);
        Assert.Equal((string?)pod["status"]!["podIP"], (string?)At((await Api.GetAsync(Core("endpoints", "d"))).Body, "subsets", 0, "notReadyAddresses", 0, "ip"));

        Expect(200, await Api.PatchAsync(Apps("deployments", "d/scale"), "merge", """{"spec":{"replicas":0}}"""));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("endpoints", "d"))).Body["subsets"] is null);
        Expect(200, await Api.DeleteAsync(Core("services", "d")));
        await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("endpoints", "d"))).Code == 404 && (await ItemsAsync(Slices)).Length == 0);
    }

    [Fact]
    public async Task HandWrittenEndpointsStayAndAreMirrored()
    {
        Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"outside"},"spec":{"ports":[{"name":"http","port":80}]}}""")));
        Expect(201, await Api.PostAsync(Core("endpoints"), Json("""{"metadata":{"name":"outside"},"subsets":[{"addresses":[{"ip":"192.0.2.7"}],"ports":[{"name":"http","port":8080}]}]}""")));
        await Eventually.TrueAsync(async () => (await ItemsAsync(Slices)).Length == 1);
        var slice = (await ItemsAsync(Slices))[0];
        Assert.Equal(("192.0.2.7", 8080), ((string?)At(slice, "endpoints", 0, "addresses", 0), (int?)At(slice, "ports", 0, "port")));
        Expect(200, await Api.PatchAsync(Core("endpoints", "outside"), "merge", """{"subsets":[{"addresses":[{"ip":"192.0.2.8"}],"ports":[{"name":"http","port":8080}]}]}"""));
        await Eventually.TrueAsync(async () => (await ItemsAsync(Slices)) is [var one] && (string?)At(one, "endpoints", 0, "addresses", 0) == "192.0.2.8");
        Assert.Equal(["192.0.2.8"], await AddressesAsync("outside"));
    }

    [Fact]
    public async Task AHeadlessServiceMayPublishPodsThatAreNotReady()
    {
        var deployment = Deployment("d");
        deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] = "example.test/broken";
        Expect(201, await Api.PostAsync(Apps("deployments"), deployment));
        Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"d"},"spec":{"clusterIP":"None","publishNotReadyAddresses":true,"selector":{"app":"d"},"ports":[{"port":80}]}}""")));
        await Eventually.TrueAsync(async () => (await PodsAsync()) is [var pod] && pod["spec"]!["nodeName"] is not null);
        var name = (string)(await PodsAsync())[0]["metadata"]!["name"]!;
        Expect(200, await Api.PatchAsync(Core("pods", name + "/status"), "merge", """{"status":{"podIP":"10.8.0.1"}}"""));
        await Eventually.TrueAsync(async () => (await AddressesAsync("d")).SequenceEqual(["10.8.0.1"]));
    }

    [Fact]
    public async Task AServiceOfTypeLoadBalancerGetsAnAddress()
    {
        Expect(201, await Api.PostAsync(Core("services"), Json("""{"metadata":{"name":"gate"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""")));
        await Eventually.TrueAsync(async () => (string?)At((await Api.GetAsync(Core("services", "gate"))).Body, "status", "loadBalancer", "ingress", 0, "ip") == "127.0.0.1");
    }

    private async Task<string[]> AddressesAsync(string name) => [.. ((await Api.GetAsync(Core("endpoints", name))).Body["subsets"] as JsonArray ?? [])
        .SelectMany(subset => subset!["addresses"] as JsonArray ?? []).Select(address => (string)address!["ip"]!)];
}
