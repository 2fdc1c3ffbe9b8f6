using System.Text.Json.Nodes;
using Lateen.Pilot.Tests.Harness;
using Lateen.Pilot.Tests.Situations;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Peers;

/// <summary>A stock Envoy takes what Pilot sends, by both protocols, and has nothing left to wait for.</summary>
public sealed class StockEnvoyTests
{
    private const string NodeId = "sidecar~10.78.1.16~productpage-v1-0.default~default.svc.cluster.local";

    [Fact]
    public async Task Bookinfos_configuration_of_both_ages_is_taken_without_a_refusal()
    {
        var path = Tools.Require("envoy");
        string[] files = [.. Files("istio-1.30.3"), .. Files("istio-1.1.17")];
        var ports = FreePorts.Many(2);
        await using var pilot = await RunningPilot.StartAsync(World(), "", Mesh(ports));
        using var state = new StockEnvoy(path, pilot.Addresses.Grpc.Port, NodeId, delta: false, 7100 + (Environment.ProcessId % 500));
        using var delta = new StockEnvoy(path, pilot.Addresses.Grpc.Port, NodeId.Replace("productpage-v1-0", "productpage-v1-1"), delta: true, 7700 + (Environment.ProcessId % 500));
        await SettledAsync(pilot, 2);
        var before = "";
        foreach (var file in files)
        {
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            if (text == before) continue;
            before = text;
            var version = await pilot.VersionAsync();
            pilot.WriteConfig("config", text);
            await pilot.NewerThanAsync(version);
            await SettledAsync(pilot, 2);
            Assert.Equal(0, await pilot.MetricAsync("pilot_total_xds_rejects"));
        }
        foreach (var envoy in new[] { state, delta })
        {
            await Eventually.TrueAsync(async () => Warming(await envoy.DumpAsync()).Count == 0, what: "nothing is warming");
            Assert.Equal(0, await envoy.StatAsync("update_rejected$"));
            Assert.Equal(0, await envoy.StatAsync("^listener_manager.listener_create_failure$"));
        }
    }

    [Fact]
    public async Task A_change_of_endpoints_reaches_it_as_endpoints_only()
    {
        var path = Tools.Require("envoy");
        var ports = FreePorts.Many(2);
        await using var pilot = await RunningPilot.StartAsync(World(), "", Mesh(ports));
        using var state = new StockEnvoy(path, pilot.Addresses.Grpc.Port, NodeId, delta: false, 8300 + (Environment.ProcessId % 500));
        using var delta = new StockEnvoy(path, pilot.Addresses.Grpc.Port, NodeId.Replace("productpage-v1-0", "productpage-v1-1"), delta: true, 8900 + (Environment.ProcessId % 500));
        await SettledAsync(pilot, 2);
        var (cds, lds, rds, eds) = (await PushesAsync(pilot, "cds"), await PushesAsync(pilot, "lds"), await PushesAsync(pilot, "rds"), await PushesAsync(pilot, "eds"));
        pilot.WriteObjects("more", """
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: reviews-more, namespace: default, labels: {kubernetes.io/service-name: reviews} }
            addressType: IPv4
            ports: [{name: http, port: 9080, protocol: TCP}]
            endpoints: [{addresses: [10.78.9.1], conditions: {ready: true} }]
            """);
        foreach (var envoy in new[] { state, delta })
            await Eventually.TrueAsync(async () => (await envoy.GetAsync("/clusters")).Contains("outbound|9080||reviews.default.svc.cluster.local::10.78.9.1:9080"));
        Assert.Equal((cds, lds, rds, eds + 2), (await PushesAsync(pilot, "cds"), await PushesAsync(pilot, "lds"), await PushesAsync(pilot, "rds"), await PushesAsync(pilot, "eds")));
    }

    private static string World() => string.Join("\n---\n", BookinfoWorld.Documents());

    /// <summary>Ports of its own, since others on this machine may have Istio's.</summary>
    private static string Mesh(int[] ports) => $"{{proxyListenPort: {ports[0]}, proxyInboundListenPort: {ports[1]}, accessLogFile: /dev/stdout}}";

    private static IEnumerable<string> Files(string age) =>
        Corpora.Files(Path.Combine(age, "samples", "bookinfo", "networking"), ".yaml").Where(f => !f.EndsWith("egress-rule-google-apis.yaml"));

    /// <summary>Every proxy has accepted everything that it was sent, and there is no route or endpoint that it still waits for.</summary>
    private static Task SettledAsync(RunningPilot pilot, int proxies) => Eventually.TrueAsync(async () =>
    {
        var all = (await pilot.GetAsync("/debug/syncz")).AsArray();
        return all.Count == proxies && all.All(p => new[] { "cluster", "listener", "endpoint", "route" }.All(
            t => p![$"{t}_sent"] is { } sent && (string)sent! == (string?)p[$"{t}_acked"] && p[$"{t}_error"] == null));
    }, TimeSpan.FromSeconds(60), "all proxies are in sync");

    private static Task<double> PushesAsync(RunningPilot pilot, string type) => pilot.MetricAsync("pilot_xds_pushes", $"\"{type}\"");

    private static List<string> Warming(JsonObject dump)
    {
        List<string> warming = [];
        foreach (var part in dump["configs"]!.AsArray())
        {
            foreach (var cluster in part!["dynamic_warming_clusters"] as JsonArray ?? []) warming.Add((string?)cluster!["cluster"]?["name"] ?? "a cluster");
            foreach (var listener in part["dynamic_listeners"] as JsonArray ?? [])
                if (listener!["warming_state"] != null) warming.Add((string)listener["name"]!);
        }
        return warming;
    }
}
