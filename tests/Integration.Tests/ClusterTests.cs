using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>The embedded cluster through kubectl, pods that call themselves, and what status says.</summary>
[Collection("mesh")]
public sealed class ClusterTests(MeshFixture mesh)
{
    [Fact]
    public async Task KubectlSeesTheClusterAsItIs()
    {
        mesh.Require();
        Assert.Contains("Ready", await mesh.KubectlAsync("get", "nodes"));
        Assert.Contains("successfully rolled out", await mesh.KubectlAsync("rollout", "status", "deployment/productpage-v1", "--timeout=20s"));
        Assert.Contains("condition met", await mesh.KubectlAsync("wait", "--for=condition=Ready", "pod", "-l", "app=reviews", "--timeout=20s"));
        Assert.Contains("istio-proxy", await mesh.KubectlAsync("describe", "pod", "-l", "app=ratings"));
        Assert.Contains("ratings v1 listens", await mesh.KubectlAsync("logs", "-l", "app=ratings", "-c", "ratings", "--tail=-1"));
        Assert.Contains("Ratings is healthy", await mesh.KubectlAsync("exec", "deploy/ratings-v1", "-c", "ratings", "--", "curl", "-s", "localhost:9080/health"));
    }

    [Fact]
    public async Task APodThatCallsItselfIsAnsweredOnce()
    {
        mesh.Require();
        foreach (var target in new[] { "ratings:9080", "$(hostname -i | cut -d' ' -f1):9080", "localhost:9080" })
        {
            var before = await ServedAsync();
            var status = await mesh.KubectlAsync("exec", "deploy/ratings-v1", "-c", "ratings", "--", "sh", "-c", $"curl -s -o /dev/null -w %{{http_code}} http://{target}/ratings/0");
            Assert.Equal("200", status.Trim());
            await Eventually.TrueAsync(async () => await ServedAsync() == before + 1);
        }

        async Task<int> ServedAsync() => (await mesh.KubectlAsync("logs", "-l", "app=ratings", "-c", "ratings", "--tail=-1")).Split('\n').Count(line => line.Contains("GET /ratings/0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StatusSaysWhatTheContractSays()
    {
        mesh.Require();
        using var status = await mesh.MeshdAsync("status", "--state", mesh.State, "-o", "json");
        var json = JsonNode.Parse(status.Output)!;
        Assert.True((bool)json["ready"]!);
        Assert.Equal("namespaces", (string?)json["capture"]);
        Assert.Equal(mesh.Gateway, (string?)json["gateway"]!["http"]);
        Assert.Equal(mesh.Kubeconfig, (string?)json["kubeconfig"]);
        Assert.All(json["processes"]!.AsArray(), process => Assert.True((long)process!["rssKiB"]! > 0));
    }
}
