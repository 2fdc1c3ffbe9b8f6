using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>
/// A pod whose proxy is a stock Envoy, started by our pilot-agent with our bootstrap: it takes everything that Pilot sends and routes
/// requests to where our own proxy routes them.
/// </summary>
[Collection("mesh")]
public sealed class StockEnvoyTests(MeshFixture mesh, EnvoyPod pod) : IClassFixture<EnvoyPod>
{
    private const string App = EnvoyPod.App;

    [Fact]
    public async Task ItRoutesEveryRequestLikeOursAndRefusesNothing()
    {
        pod.Require();
        var folder = Corpora.Require("istio-1.30.3", "samples", "bookinfo", "networking");
        string[] FilesOf(params string[] names) => [.. names.SelectMany(name => new[] { "-f", Path.Combine(folder, name + ".yaml") })];
        Assert.Contains("envoy", await AskEnvoyAsync("server_info"), StringComparison.OrdinalIgnoreCase);
        try
        {
            await mesh.KubectlAsync(["apply", .. FilesOf("bookinfo-gateway", "destination-rule-all", "virtual-service-all-v1")]);
            await BothSeeAsync("reviews", "", "v1");
            await mesh.KubectlAsync(["apply", .. FilesOf("virtual-service-reviews-test-v2")]);
            await BothSeeAsync("reviews", "end-user: jason", "v2");
            await BothSeeAsync("reviews", "end-user: jasmin", "v1");
            await mesh.KubectlAsync(["apply", .. FilesOf("virtual-service-ratings-test-abort")]);
            await BothSeeAsync("ratings", "end-user: jason", "500");
            await BothSeeAsync("ratings", "", "200");
            await mesh.KubectlAsync(["apply", .. FilesOf("virtual-service-reviews-50-v3", "virtual-service-ratings-test-delay")]);
            await BothSeeAsync("reviews", "", "v1", "v3");
            await BothSeeAsync("ratings", "end-user: jason", "too late");

            // Everything was taken: Envoy counts what it refuses, and shows what it still waits for.
            var refused = await AskEnvoyAsync("stats?filter=update_rejected$|update_failure$|listener_create_failure$");
            Assert.Contains("cluster_manager.cds.update_rejected: 0", refused);
            Assert.DoesNotMatch(@"(update_rejected|listener_create_failure): [1-9]", refused);
            await Eventually.PassesAsync(async () => Assert.Equal([], Warming(JsonNode.Parse(await AskEnvoyAsync("config_dump"))!)), MeshFixture.Patience);
        }
        finally
        {
            (await mesh.TryKubectlAsync(["delete", "--ignore-not-found", .. FilesOf("virtual-service-all-v1", "destination-rule-all")])).Dispose();
        }
    }

    [Fact]
    public async Task OtherPodsReachItsApplicationThroughIt()
    {
        pod.Require();
        await Eventually.PassesAsync(async () => Assert.Equal("200", await CurlAsync("productpage-v1", "productpage", $"http://{App}:8000/get")), MeshFixture.Patience);
        Assert.Matches(@"http\.inbound_0\.0\.0\.0_8080;?\.downstream_rq_2xx: [1-9]|inbound.*downstream_rq_2xx: [1-9]", await AskEnvoyAsync("stats?filter=^http.inbound.*downstream_rq_2xx"));
    }

    [Fact]
    public async Task ANewEndpointReachesItAsAnEndpointAndNothingElse()
    {
        pod.Require();
        await BothSeeAsync("ratings", "", "200");
        var before = await AskEnvoyAsync("stats?filter=(cds|lds).update_attempt");
        try
        {
            await mesh.KubectlAsync("scale", "deployment/details-v1", "--replicas=2");
            await Eventually.TrueAsync(
                async () => (await AskEnvoyAsync("clusters")).Split('\n').Count(line => line.StartsWith("outbound|9080||details.default.svc.cluster.local::10.", StringComparison.Ordinal) && line.EndsWith("::health_flags::healthy", StringComparison.Ordinal)) == 2,
                MeshFixture.Patience);
            Assert.Equal(before, await AskEnvoyAsync("stats?filter=(cds|lds).update_attempt"));
        }
        finally
        {
            (await mesh.TryKubectlAsync("scale", "deployment/details-v1", "--replicas=1")).Dispose();
        }
    }

    /// <summary>Both proxies, asked often, answer with each of these outcomes and no other.</summary>
    private async Task BothSeeAsync(string service, string header, params string[] outcomes)
    {
        foreach (var (deployment, container) in new[] { ("productpage-v1", "productpage"), (App, "app") })
            await Eventually.PassesAsync(async () => Assert.Equal(outcomes, await OutcomesAsync(deployment, container, service, header)), MeshFixture.Patience);
    }

    /// <summary>The versions of reviews that answered, or the states of ratings' answers.</summary>
    private async Task<IEnumerable<string>> OutcomesAsync(string deployment, string container, string service, string header)
    {
        var requests = service == "reviews" ? 16 : 2;
        var script = $"for i in $(seq {requests}); do curl -s -m 3 -H '{header}' -w ' code=%{{http_code}}\\n' http://{service}:9080/{service}/0; done; true";
        var lines = (await mesh.KubectlAsync("exec", $"deploy/{deployment}", "-c", container, "--", "sh", "-c", script)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Select(line => line.Contains("code=000", StringComparison.Ordinal) ? "too late"
            : service == "ratings" ? line[(line.LastIndexOf('=') + 1)..]
            : line.Split("reviews-").ElementAtOrDefault(1)?[..2] ?? line).Distinct().Order();
    }

    private async Task<string> CurlAsync(string deployment, string container, string url) =>
        (await mesh.KubectlAsync("exec", $"deploy/{deployment}", "-c", container, "--", "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url)).Trim();

    private Task<string> AskEnvoyAsync(string page) => mesh.KubectlAsync("exec", $"deploy/{App}", "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", page);

    private static IEnumerable<string> Warming(JsonNode dump)
    {
        foreach (var part in dump["configs"]!.AsArray())
        {
            foreach (var cluster in part!["dynamic_warming_clusters"] as JsonArray ?? []) yield return (string?)cluster!["cluster"]?["name"] ?? "a cluster";
            foreach (var listener in part["dynamic_listeners"] as JsonArray ?? [])
                if (listener!["warming_state"] is not null || listener["error_state"] is not null) yield return (string)listener["name"]!;
        }
    }
}
