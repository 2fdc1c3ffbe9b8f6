using System.Net;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.Pilot.Tests.Harness;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Pilot.Tests.Peers;

/// <summary>
/// Pilot on API servers: Kubernetes' own and the embedded one are given the same objects by kubectl, and proxies get the same
/// routes, clusters and endpoints from both.
/// </summary>
public sealed class ApiServerTests
{
    private static readonly string[] Services = ["details", "productpage", "ratings", "reviews"];
    private static readonly string[] Networking = ["destination-rule-all", "virtual-service-reviews-test-v2", "virtual-service-reviews-50-v3", "virtual-service-ratings-test-delay"];

    [Fact]
    public async Task Both_servers_lead_to_the_same_routing_and_a_restart_of_one_is_survived()
    {
        var folder = Corpora.Require("istio-1.30.3");
        using var home = new TempFolder();
        await using var real = await RealApiServer.StartAsync();
        await using var embedded = await ClusterApiServer.StartAsync(
            new() { DataDirectory = home.PathOf("state"), BindAddress = IPAddress.Loopback, SecurePort = 0, KubeconfigOut = home.PathOf("kubeconfig") }, NullLoggerFactory.Instance);
        var (onReal, onEmbedded) = (new Kubectl(home, real.Kubeconfig), new Kubectl(home, home.PathOf("kubeconfig")));

        // 1. definitions and objects; slices are controllers' work, and Kubernetes' server here has none
        var pods = string.Join("\n---\n", new[] { ("details", "v1"), ("productpage", "v1"), ("ratings", "v1"), ("reviews", "v1"), ("reviews", "v2"), ("reviews", "v3") }.Select((p, i) => Pod(p.Item1, p.Item2, i)));
        foreach (var kubectl in new[] { onReal, onEmbedded })
        {
            await kubectl.RunAsync("apply", "--server-side", "-f", Path.Combine(folder, "crds", "crd-all.gen.yaml"));
            await kubectl.RunAsync("wait", "--for=condition=established", "crd", "--all", "--timeout=30s");
            await kubectl.RunAsync("apply", "-f", home.Write("services.yaml", string.Join("\n---\n", Services.Select(Service))));
            await kubectl.RunAsync("apply", "-f", home.Write("pods.yaml", pods));
            await kubectl.RunAsync("replace", "--subresource=status", "-f", home.PathOf("pods.yaml"));
        }
        await onReal.RunAsync("apply", "-f", home.Write("slices.yaml", string.Join("\n---\n", Services.Select(Slice))));

        // 2. the same for proxies, before and after each of Bookinfo's files
        await using var fromReal = await StartAsync(real.Kubeconfig);
        await using var fromEmbedded = await StartAsync(home.PathOf("kubeconfig"));
        var world = await SameAsync(fromReal, fromEmbedded, "");
        foreach (var file in Networking)
        {
            foreach (var kubectl in new[] { onReal, onEmbedded }) await kubectl.RunAsync("apply", "-f", Path.Combine(folder, "samples", "bookinfo", "networking", file + ".yaml"));
            world = await SameAsync(fromReal, fromEmbedded, world);
        }

        // 3. without its server Pilot serves what it knows; with the server back it follows again
        fromReal.Expect("127.0.0.1");
        real.Stop();
        Assert.Equal(world, await WorldOf(fromReal));
        await real.StartServerAsync();
        foreach (var kubectl in new[] { onReal, onEmbedded }) await kubectl.RunAsync("delete", "virtualservice", "--all");
        await SameAsync(fromReal, fromEmbedded, world);
    }

    private static Task<RunningPilot> StartAsync(string kubeconfig) =>
        RunningPilot.StartAsync("", change: options => options with { Kubeconfig = kubeconfig, KubeObjectsFolder = null, ConfigFolder = null });

    /// <summary>Waits until both say the same, and not what was said before; what they say.</summary>
    private static async Task<string> SameAsync(RunningPilot left, RunningPilot right, string before)
    {
        var one = "";
        await Eventually.PassesAsync(
            async () =>
            {
                one = await WorldOf(left);
                Assert.NotEqual(before, one);
                Assert.Equal(one, await WorldOf(right));
            },
            TimeSpan.FromSeconds(60));
        return one;
    }

    /// <summary>What productpage's proxy gets about Bookinfo's services.</summary>
    private static async Task<string> WorldOf(RunningPilot pilot)
    {
        await using var proxy = new DeltaClient(pilot);
        return await proxy.DescribeAsync(name => name == "9080" || Services.Any(s => name.EndsWith($"|{s}.default.svc.cluster.local", StringComparison.Ordinal)));
    }

    private static string Service(string name) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}}, namespace: default}
        spec: {clusterIP: 10.96.20.{{10 + Array.IndexOf(Services, name)}}, selector: {app: {{name}} }, ports: [{name: http, port: 9080}]}
        """;

    private static string Pod(string app, string version, int number) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{app}}-{{version}}, namespace: default, labels: {app: {{app}}, version: {{version}} } }
        spec: {nodeName: node-1, containers: [{name: app, image: "example.test/app:1"}]}
        status: {phase: Running, podIP: 10.78.1.{{11 + number}}, podIPs: [{ip: 10.78.1.{{11 + number}}}], conditions: [{type: Ready, status: "True"}]}
        """;

    private static string Slice(string service)
    {
        (string Version, int Address)[] pods = service switch { "details" => [("v1", 11)], "productpage" => [("v1", 12)], "ratings" => [("v1", 13)], _ => [("v1", 14), ("v2", 15), ("v3", 16)] };
        var endpoints = pods.Select(p => $"{{addresses: [10.78.1.{p.Address}], conditions: {{ready: true}}, nodeName: node-1, targetRef: {{kind: Pod, name: {service}-{p.Version}, namespace: default}} }}");
        return $$"""
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: {{service}}-1, namespace: default, labels: {kubernetes.io/service-name: {{service}} } }
            addressType: IPv4
            ports: [{name: http, port: 9080, protocol: TCP}]
            endpoints: [{{string.Join(", ", endpoints)}}]
            """;
    }

    /// <summary>kubectl, the one on PATH, for one server.</summary>
    private sealed class Kubectl(TempFolder home, string kubeconfig)
    {
        public async Task RunAsync(params string[] arguments)
        {
            using var run = await LocalProcess.RunAsync(
                Tools.Require("kubectl"), arguments, TimeSpan.FromSeconds(60), new Dictionary<string, string?> { ["KUBECONFIG"] = kubeconfig, ["HOME"] = home.FullName });
            Assert.True(run.ExitCode == 0, $"kubectl {string.Join(' ', arguments)}: {run.Output}");
        }
    }
}
