using System.Text.RegularExpressions;
using Lateen.Foundation.Interop;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>The commands of kubectl that stay open, and those that describe and delete.</summary>
[Collection("mesh")]
public sealed class KubectlVerbTests(MeshFixture mesh)
{
    [Fact]
    public async Task WatchingPodsTellsOfADeletedOneAndItsSuccessor()
    {
        mesh.Require();
        var old = await PodOfAsync("details");
        using var watch = Start("get", "pods", "-l", "app=details", "-w", "--output-watch-events", "--no-headers");
        await watch.WaitForOutputAsync(old, MeshFixture.Patience);
        Assert.Contains($"pod \"{old}\" deleted", await mesh.KubectlAsync("delete", "pod", old));
        await Eventually.PassesAsync(() => Assert.Matches($@"DELETED\s+{Regex.Escape(old)}", watch.Output), MeshFixture.Patience);
        await Eventually.PassesAsync(() => Assert.Matches(@"MODIFIED\s+details-v1-\S+\s+2/2\s+Running", watch.Output[watch.Output.IndexOf("ADDED", 10, StringComparison.Ordinal)..]), MeshFixture.Patience);
        Assert.NotEqual(old, await PodOfAsync("details"));
        using var page = new Page(mesh.Gateway);
        await Eventually.TrueAsync(async () => await page.ReadAsync(TestContext.Current.CancellationToken) is "black" or "none" or "red", MeshFixture.Patience);
    }

    [Fact]
    public async Task FollowingALogShowsLinesAsTheyCome()
    {
        mesh.Require();
        using var follow = Start("logs", "-f", "deploy/ratings-v1", "-c", "ratings");
        await follow.WaitForOutputAsync("ratings v1 listens", MeshFixture.Patience);
        await mesh.KubectlAsync("exec", "deploy/ratings-v1", "-c", "ratings", "--", "curl", "-s", "localhost:9080/ratings/4711");
        await follow.WaitForOutputAsync("/ratings/4711", MeshFixture.Patience);
        Assert.False(follow.HasExited);
    }

    [Fact]
    public async Task AForwardedPortReachesTheApplication()
    {
        mesh.Require();
        using var forward = Start("port-forward", "deploy/ratings-v1", ":9080");
        await forward.WaitForOutputAsync("Forwarding from 127.0.0.1:", MeshFixture.Patience);
        var port = Regex.Match(forward.Output, @"127\.0\.0\.1:(\d+)").Groups[1].Value;
        using var http = new HttpClient();
        Assert.Contains("Ratings is healthy", await http.GetStringAsync($"http://127.0.0.1:{port}/health", TestContext.Current.CancellationToken));
        Assert.Contains("Ratings is healthy", await http.GetStringAsync($"http://127.0.0.1:{port}/health", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DescribingShowsWhatBelongsTogether()
    {
        mesh.Require();
        var pod = await mesh.KubectlAsync("describe", "pod", await PodOfAsync("ratings"));
        Assert.Matches(@"(?s)Init Containers:.*istio-init:.*Containers:.*ratings:.*istio-proxy:.*Events:.*Started", pod);
        Assert.Matches(@"Endpoints:\s+10\.244\.\d+\.\d+:9080", await mesh.KubectlAsync("describe", "service", "ratings"));
        Assert.Matches(@"Replicas:\s+1 desired \| 1 updated \| 1 total \| 1 available", await mesh.KubectlAsync("describe", "deployment", "ratings-v1"));
        var rule = await mesh.KubectlAsync("describe", "virtualservice", "bookinfo");
        Assert.Matches(@"(?s)Gateways:\s+bookinfo-gateway", rule);
        Assert.Matches(@"(?s)Hosts:\s+\*", rule);
    }

    [Fact]
    public async Task DeletingAServiceTakesItsRouteAwayAndApplyingBringsItBack()
    {
        mesh.Require();
        using var folder = new TempFolder();
        var file = folder.PathOf("echo.yaml");
        await File.WriteAllTextAsync(file, """
            apiVersion: v1
            kind: Service
            metadata: {name: scores}
            spec: {selector: {app: ratings}, ports: [{name: http, port: 9080}]}
            """, TestContext.Current.CancellationToken);
        async Task<string> CallAsync() => (await mesh.KubectlAsync("exec", "deploy/productpage-v1", "-c", "productpage", "--", "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://scores:9080/health")).Trim();
        await mesh.KubectlAsync("apply", "-f", file);
        await Eventually.TrueAsync(async () => await CallAsync() == "200", MeshFixture.Patience);
        Assert.Contains("service \"scores\" deleted", await mesh.KubectlAsync("delete", "-f", file));
        Assert.Contains("NotFound", (await mesh.TryKubectlAsync("get", "service", "scores")).Output);
        await Eventually.TrueAsync(async () => (await TryCallAsync()) != "200", MeshFixture.Patience);

        async Task<string> TryCallAsync()
        {
            using var call = await mesh.TryKubectlAsync("exec", "deploy/productpage-v1", "-c", "productpage", "--", "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://scores:9080/health");
            return call.Output.Trim();
        }
    }

    private async Task<string> PodOfAsync(string app) => (await mesh.KubectlAsync("get", "pods", "-l", $"app={app}", "-o", "jsonpath={.items[0].metadata.name}")).Trim();

    private LocalProcess Start(params string[] arguments) => LocalProcess.Start(Tools.Require("kubectl"), arguments, new Dictionary<string, string?> { ["KUBECONFIG"] = mesh.Kubeconfig });
}
