using System.Text.Json.Nodes;
using Lateen.Pilot.Tests.Harness;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Peers;

/// <summary>A program with npm's @grpc/grpc-js-xds calls through the mesh without a proxy, as Pilot tells it.</summary>
public sealed class ProxylessGrpcTests
{
    // Node.js alone may take many seconds to start where others want the processor.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string Target = "xds:///echo.default.svc.cluster.local:7070";

    [Fact]
    public async Task Calls_follow_subsets_weights_matches_and_faults()
    {
        var ports = FreePorts.Many(3);
        await using var pilot = await RunningPilot.StartAsync(World(ports[1], ports[2]));
        using var program = await StartAsync(pilot, ports);

        // 1. without rules both versions answer
        await AnswersAsync(ports[0], 20, "v1", "v2");

        // 2. a subset, and another for one user
        pilot.WriteConfig("config", Rule + """
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: echo, namespace: default}
            spec:
              hosts: [echo]
              http:
              - match: [{headers: {end-user: {exact: jason} } }]
                route: [{destination: {host: echo, subset: v2} }]
              - route: [{destination: {host: echo, subset: v1} }]
            """);
        await AnswersAsync(ports[0], 10, "v1");
        Assert.True(Only(await CallAsync(ports[0], Target, 10, "jason"), "v2"));
        // By the short name of its own namespace, too.
        Assert.True(Only(await CallAsync(ports[0], "xds:///echo:7070", 10), "v1"));

        // 3. weights
        pilot.WriteConfig("config", Rule + """
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: echo, namespace: default}
            spec:
              hosts: [echo]
              http:
              - route:
                - {destination: {host: echo, subset: v1}, weight: 20}
                - {destination: {host: echo, subset: v2}, weight: 80}
            """);
        await Eventually.TrueAsync(async () => (await CallAsync(ports[0], Target, 10)).GetValueOrDefault("v2") > 4, Patience, "most calls go to v2");
        var weighted = await CallAsync(ports[0], Target, 400);
        Assert.Equal(400, weighted.Values.Sum());
        // 80 % of 400, five standard deviations (8 each) either way
        Assert.InRange(weighted["v2"], 280, 360);
        Assert.Equal(400 - weighted["v2"], weighted["v1"]);

        // 4. an injected fault
        pilot.WriteConfig("config", Rule + """
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: echo, namespace: default}
            spec:
              hosts: [echo]
              http:
              - fault: {abort: {grpcStatus: RESOURCE_EXHAUSTED, percentage: {value: 100} } }
                route: [{destination: {host: echo, subset: v1} }]
            """);
        await AnswersAsync(ports[0], 5, "error 8");
        Assert.Equal(0, await pilot.MetricAsync("pilot_total_xds_rejects"));
    }

    [Fact]
    public async Task Endpoints_are_followed()
    {
        var ports = FreePorts.Many(3);
        await using var pilot = await RunningPilot.StartAsync(World(ports[1], ports[2]));
        using var program = await StartAsync(pilot, ports);
        Assert.True(Only(await CallAsync(ports[0], Target, 4), "v1", "v2"));
        pilot.WriteObjects("objects", World(ports[1], null));
        await AnswersAsync(ports[0], 10, "v1");
    }

    private const string Rule = """
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: echo, namespace: default}
        spec:
          host: echo
          subsets: [{name: v1, labels: {version: v1} }, {name: v2, labels: {version: v2} }]

        """;

    private static async Task<LocalProcess> StartAsync(RunningPilot pilot, int[] ports)
    {
        var bootstrap = $$"""
            {"xds_servers": [{"server_uri": "127.0.0.1:{{pilot.Addresses.Grpc.Port}}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}],
             "node": {"id": "sidecar~127.0.0.1~client.default~default.svc.cluster.local", "cluster": "client", "locality": {}, "metadata": {"GENERATOR": "grpc", "NAMESPACE": "default"} } }
            """;
        var program = await NodePrograms.StartAsync(
            Path.Combine(AppContext.BaseDirectory, "Peers", "grpc-mesh.js"), [$"{ports[0]}", $"127.0.0.2:{ports[1]}=v1", $"127.0.0.3:{ports[2]}=v2"],
            ["@grpc/grpc-js", "@grpc/grpc-js-xds"], new Dictionary<string, string?> { ["GRPC_XDS_BOOTSTRAP_CONFIG"] = bootstrap });
        await program.WaitForOutputAsync("ready", Patience);
        return program;
    }

    private static async Task<Dictionary<string, int>> CallAsync(int control, string target, int count, string user = "")
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync($"http://127.0.0.1:{control}/?target={Uri.EscapeDataString(target)}&count={count}&user={user}", TestContext.Current.CancellationToken);
        return JsonNode.Parse(text)!.AsObject().ToDictionary(c => c.Key, c => (int)c.Value!);
    }

    /// <summary>Waits until nothing but these answers comes.</summary>
    private static Task AnswersAsync(int control, int count, params string[] expected) =>
        Eventually.PassesAsync(async () => Assert.Equal(expected, (await CallAsync(control, Target, count)).Keys.Order()), Patience);

    private static bool Only(Dictionary<string, int> answers, params string[] expected) => answers.Keys.Order().SequenceEqual(expected);

    private static string World(int v1, int? v2) => """
        apiVersion: v1
        kind: Service
        metadata: {name: echo, namespace: default}
        spec: {clusterIP: 10.96.7.1, ports: [{name: grpc, port: 7070, targetPort: 7070, protocol: TCP}], selector: {app: echo} }
        """ + Pod("v1", "127.0.0.2", v1) + (v2 is { } port ? Pod("v2", "127.0.0.3", port) : "");

    private static string Pod(string version, string address, int port) => $$"""

        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: echo-{{version}}, namespace: default, labels: {app: echo, version: {{version}} } }
        spec: {serviceAccountName: default, nodeName: node-1, containers: []}
        status: {phase: Running, podIP: {{address}}, conditions: [{type: Ready, status: "True"}]}
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: echo-{{version}}, namespace: default, labels: {kubernetes.io/service-name: echo} }
        addressType: IPv4
        ports: [{name: grpc, port: {{port}}, protocol: TCP}]
        endpoints: [{addresses: [{{address}}], conditions: {ready: true}, targetRef: {kind: Pod, name: echo-{{version}}, namespace: default} }]
        """;
}
