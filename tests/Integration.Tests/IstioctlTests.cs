using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>istioctl on a running mesh: what it shows of a proxy.</summary>
[Collection("mesh")]
public sealed class IstioctlTests(MeshFixture mesh)
{
    private const string Ratings = "outbound|9080||ratings.default.svc.cluster.local";

    [Fact]
    public async Task ProxyConfigShowsWhatAProxyHas()
    {
        mesh.Require();
        var pod = (await mesh.KubectlAsync("get", "pods", "-l", "app=productpage", "-o", "jsonpath={.items[0].metadata.name}")).Trim();
        var clusters = await RunAsync("proxy-config", "cluster", $"{pod}.default", "--fqdn", "ratings");
        Assert.Matches(@"^SERVICE FQDN\s+PORT\s+SUBSET\s+DIRECTION\s+TYPE\s+DESTINATION RULE", clusters);
        Assert.Matches(@"\nratings\.default\.svc\.cluster\.local\s+9080\s+-\s+outbound\s+EDS", clusters);
        Assert.Matches(@"\n0\.0\.0\.0\s+15001\s+\S.*PassthroughCluster", await RunAsync("pc", "listeners", pod, "-n", "default", "--port", "15001"));
        Assert.Matches(@"\n9080\s+ratings\.default\.svc\.cluster\.local:9080\s+.*ratings.*\s+/\*", await RunAsync("pc", "route", $"pod/{pod}", "--name", "9080"));
        Assert.Matches($@"\n10\.244\.\d+\.\d+:9080\s+HEALTHY\s+OK\s+{Ratings.Replace("|", @"\|", StringComparison.Ordinal)}", await RunAsync("pc", "endpoint", pod, "--cluster", Ratings));
        var bootstrap = JsonNode.Parse(await RunAsync("pc", "bootstrap", pod, "-o", "json"))!;
        Assert.StartsWith("sidecar~10.244.", (string?)bootstrap["bootstrap"]!["node"]!["id"]);
    }

    [Fact]
    public async Task ASavedDumpShowsTheSame()
    {
        mesh.Require();
        using var folder = new TempFolder();
        var dump = folder.Write("dump.json", await mesh.KubectlAsync("exec", "deploy/productpage-v1", "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", "config_dump"));
        Assert.Contains("ratings.default.svc.cluster.local", await RunAsync("pc", "c", "-f", dump, "--direction", "outbound"));
        Assert.DoesNotContain("inbound", await RunAsync("pc", "c", "-f", dump, "--direction", "outbound"));
        Assert.Contains("- ", await RunAsync("pc", "r", "-f", dump, "-o", "yaml"));
        using var broken = await LocalProcess.RunAsync(MeshFixture.Program("istioctl"), ["pc", "c", "-f", folder.Write("broken.json", "{}")]);
        Assert.Equal(1, broken.ExitCode);
        Assert.Contains("no config_dump", broken.Output);
    }

    [Fact]
    public async Task APodThatIsNotThereIsTold()
    {
        mesh.Require();
        using var run = await StartAsync("proxy-config", "cluster", "nobody.default");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("default/nobody", run.Output);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        using var run = await StartAsync(arguments);
        Assert.True(run.ExitCode == 0, $"istioctl {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Output}");
        return run.Output;
    }

    private Task<LocalProcess> StartAsync(params string[] arguments) =>
        LocalProcess.RunAsync(MeshFixture.Program("istioctl"), arguments, TimeSpan.FromSeconds(30), new Dictionary<string, string?> { ["KUBECONFIG"] = mesh.Kubeconfig });
}
