using System.Text.Json.Nodes;
using Lateen.Foundation.Interop;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>kubectl on the embedded cluster, pods that call themselves, and what happens when processes are killed.</summary>
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

    [Theory]
    [InlineData("pilot")]
    [InlineData("galley")]
    [InlineData("node")]
    [InlineData("apiserver")]
    [InlineData("injector")]
    public async Task KillingAProcessOfTheMeshStopsNoTraffic(string name)
    {
        mesh.Require();
        var pods = await PodsAsync();
        using var page = new Page(mesh.Gateway);
        var before = (await mesh.ProcessesAsync())[name];
        Posix.Kill(before, Posix.SigKill);
        var counts = await page.CountAsync(100);
        Assert.DoesNotContain(counts.Keys, kind => kind.StartsWith("status", StringComparison.Ordinal) || kind.StartsWith("no ", StringComparison.Ordinal));
        await Eventually.TrueAsync(async () => (await mesh.ProcessesAsync()).TryGetValue(name, out var now) && now != before, TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(async () => await PodsAsync() is { } after && after.SetEquals(pods), TimeSpan.FromSeconds(30));
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

    /// <summary>Names and restarts of all pods: the same set means that none was touched.</summary>
    private async Task<HashSet<string>> PodsAsync()
    {
        using var list = await mesh.TryKubectlAsync("get", "pods", "-A", "-o", "jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount}{\"\\n\"}{end}");
        return [.. list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
