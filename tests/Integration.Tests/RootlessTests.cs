using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>A whole mesh of a user who is not root: in a user namespace of its own, or without any namespace.</summary>
[Collection("mesh")]
public sealed class RootlessTests(MeshFixture mesh)
{
    [Fact]
    public async Task AUserWithIdsToLendGetsAMeshThatCapturesTrafficAndLeavesNothing()
    {
        mesh.Require();
        Tools.Require("newuidmap");
        var samples = Corpora.Require("istio-1.30.3", "samples", "httpbin");
        using var user = new OrdinaryUser(lendsIds: true);
        var portBase = MeshFixture.FreePortBase();
        try
        {
            using var up = await user.MeshdAsync("up", "--detach", "--port-base", $"{portBase}", "-f", Path.Combine(samples, "httpbin.yaml"), "-f", Path.Combine(samples, "httpbin-gateway.yaml"));
            Assert.True(up.ExitCode == 0, up.Output);
            Assert.True(up.Output.Contains("capture: namespaces of this user's own, since", StringComparison.Ordinal), up.Output);
            await IsAsync(user, "namespaces");
            using var http = new HttpClient();
            // The sidecar adds what only a proxy in front of the application adds.
            await Eventually.PassesAsync(
                async () => Assert.Contains("X-Envoy-Attempt-Count", await http.GetStringAsync($"http://127.0.0.1:{portBase + 80}/headers", TestContext.Current.CancellationToken), StringComparison.OrdinalIgnoreCase),
                MeshFixture.Patience);
        }
        finally
        {
            await DownLeavesNothingAsync(user);
        }
    }

    [Fact]
    public async Task AUserWithoutGetsBookinfoBehindProxiesAndItsRoutes()
    {
        mesh.Require();
        var networking = Corpora.Require("istio-1.30.3", "samples", "bookinfo", "networking");
        using var user = new OrdinaryUser(lendsIds: false);
        var portBase = MeshFixture.FreePortBase();
        try
        {
            using var up = await user.MeshdAsync("up", "--detach", "--port-base", $"{portBase}");
            Assert.True(up.ExitCode == 0, up.Output);
            Assert.Contains("capture: proxy, since traffic cannot be captured in network namespaces: without root it takes", up.Output);
            await IsAsync(user, "proxy");
            var gateway = $"http://127.0.0.1:{portBase + 80}";
            using var anyone = new Page(gateway);
            Assert.Equal(["black", "none", "red"], (await anyone.CountAsync(60)).Keys.Order());

            var environment = new Dictionary<string, string?> { ["KUBECONFIG"] = Path.Combine(user.State, "kubeconfig") };
            async Task KubectlAsync(params string[] arguments)
            {
                using var kubectl = await LocalProcess.RunAsync(Tools.Require("kubectl"), arguments, TimeSpan.FromSeconds(60), environment);
                Assert.True(kubectl.ExitCode == 0, kubectl.Output);
            }
            foreach (var file in new[] { "destination-rule-all", "virtual-service-all-v1", "virtual-service-reviews-test-v2" }) await KubectlAsync("apply", "-f", Path.Combine(networking, file + ".yaml"));
            using var jason = new Page(gateway);
            await jason.SignInAsync("jason");
            await Eventually.PassesAsync(async () => Assert.Equal(["black"], (await jason.CountAsync(12)).Keys), MeshFixture.Patience);
            await Eventually.PassesAsync(async () => Assert.Equal(["none"], (await anyone.CountAsync(12)).Keys), MeshFixture.Patience);
            await KubectlAsync("exec", "deploy/ratings-v1", "-c", "ratings", "--", "sh", "-c", "test \"$(curl -s http://details:9080/health)\" = '{\"status\":\"Details is healthy\"}'");
        }
        finally
        {
            await DownLeavesNothingAsync(user);
        }
    }

    private static async Task IsAsync(OrdinaryUser user, string capture)
    {
        using var status = await user.MeshdAsync("status", "-o", "json");
        Assert.Contains("\"ready\": true", status.Output);
        Assert.Contains($"\"capture\": \"{capture}\"", status.Output);
        Assert.NotEmpty(OrdinaryUser.Processes());
    }

    private static async Task DownLeavesNothingAsync(OrdinaryUser user)
    {
        using var down = await user.MeshdAsync("down");
        Assert.True(down.ExitCode == 0, down.Output);
        Assert.False(Directory.Exists(user.State));
        await Eventually.PassesAsync(() => Assert.Equal([], OrdinaryUser.Processes()), MeshFixture.Patience);
    }
}
