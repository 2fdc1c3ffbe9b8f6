using System.Text.Json.Nodes;
using Lateen.Pilot.Tests.Harness;
using Lateen.Pilot.Tests.Situations;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Peers;

/// <summary><c>istioctl x xds-dump</c> as a user types it, against a running Pilot.</summary>
public sealed class XdsDumpTests
{
    private const string Node = "sidecar~10.78.1.16~productpage-v1-0.default~default.svc.cluster.local";

    [Fact]
    public async Task Both_protocols_show_the_same_by_name_with_everything_expanded()
    {
        await using var pilot = await RunningPilot.StartAsync(string.Join("\n---\n", BookinfoWorld.Documents()));
        var address = $"127.0.0.1:{pilot.Addresses.Grpc.Port}";
        var state = await DumpAsync("--addr", address, "--node", Node);
        Assert.True(JsonNode.DeepEquals(state, await DumpAsync("--addr", "http://" + address, "--node", Node, "--delta")));

        Assert.Equal(["clusters", "endpoints", "listeners", "routes"], state.Select(s => s.Key));
        var names = state["clusters"]!.AsArray().Select(c => (string)c!["name"]!).ToList();
        Assert.Contains("outbound|9080||reviews.default.svc.cluster.local", names);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        var reviews = state["endpoints"]!.AsArray().Single(e => (string)e!["clusterName"]! == "outbound|9080||reviews.default.svc.cluster.local")!;
        Assert.Equal(3, reviews["endpoints"]!.AsArray().Sum(l => l!["lbEndpoints"]!.AsArray().Count));
        var inbound = state["listeners"]!.AsArray().Single(l => (string)l!["name"]! == "virtualInbound")!;
        Assert.Contains(
            inbound["filterChains"]!.AsArray().SelectMany(c => c!["filters"]!.AsArray()),
            f => (string?)f!["typedConfig"]?["@type"] == "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager" && f["typedConfig"]!["routeConfig"] != null);
        Assert.Contains("9080", state["routes"]!.AsArray().Select(r => (string)r!["name"]!));

        // Of two types only these, although one needs a third.
        Assert.Equal(["endpoints", "routes"], (await DumpAsync("--addr", address, "--node", Node, "--types", "rds,eds")).Select(s => s.Key));
    }

    [Fact]
    public async Task What_cannot_be_asked_is_told_in_one_line()
    {
        await using var pilot = await RunningPilot.StartAsync("");
        var address = $"127.0.0.1:{pilot.Addresses.Grpc.Port}";
        Assert.Equal((1, $"Error: {address}: InvalidArgument: missing parts in the service node nonsense"), await FailAsync("--addr", address, "--node", "nonsense"));
        Assert.Equal((64, "Error: --types ads: there are cds, eds, lds, rds, sds"), await FailAsync("--addr", address, "--node", Node, "--types", "ads"));
        var (code, text) = await FailAsync("--addr", $"127.0.0.1:{FreePorts.One()}", "--node", Node);
        Assert.Equal(1, code);
        Assert.Contains("Unavailable", text);
        // What the server does not serve is never answered.
        Assert.Equal(
            (1, "Error: the server does not send within 1 s type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret: default, ROOTCA"),
            await FailAsync("--addr", address, "--node", Node, "--types", "sds", "--timeout", "1"));
    }

    private static async Task<JsonObject> DumpAsync(params string[] arguments)
    {
        using var run = await RunAsync(arguments);
        Assert.True(run.ExitCode == 0, run.Output);
        return JsonNode.Parse(run.Output)!.AsObject();
    }

    private static async Task<(int Code, string Text)> FailAsync(params string[] arguments)
    {
        using var run = await RunAsync(arguments);
        return (run.ExitCode, run.Output.Trim());
    }

    private static Task<LocalProcess> RunAsync(string[] arguments) =>
        LocalProcess.RunAsync(Path.Combine(AppContext.BaseDirectory, "istioctl"), ["x", "xds-dump", .. arguments], TimeSpan.FromSeconds(60));
}
