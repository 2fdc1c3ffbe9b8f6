using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Bench.Load;

namespace Lateen.Bench.Pilot;

/// <summary>
/// An API server of our own with services of which each has a ServiceEntry, a VirtualService and a DestinationRule, as in
/// ../shared/reference/istio-1.1-baselines.md, and a Pilot that reads from it. Killed when disposed.
/// </summary>
internal sealed class PilotWorld : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-bench-pilot-").FullName;
    private readonly MeasuredProcess _api;
    private readonly HttpClient _http;

    private PilotWorld(string meshd, FreePorts ports)
    {
        var (api, grpc, http, metrics) = (ports.Next(), ports.Next(), ports.Next(), ports.Next());
        var kubeconfig = Path.Combine(_folder, "kubeconfig");
        _api = MeasuredProcess.Start(0, meshd, "cluster-apiserver", "--data-dir", Path.Combine(_folder, "state"), "--secure-port", $"{api}", "--kubeconfig-out", kubeconfig);
        if (!_api.Serves(api, 60)) throw new InvalidOperationException("the API server does not start: " + _api.Errors);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } }) { BaseAddress = new Uri($"https://127.0.0.1:{api}") };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(_folder, "state", "pki", "admin.token")).Trim());
        StartPilot = () => MeasuredProcess.Start(
            Environment.ProcessorCount > 1 ? 1 : 0, meshd, "pilot-discovery", "discovery", "--kubeconfig", kubeconfig, "--grpcAddr", $"127.0.0.1:{grpc}", "--httpAddr", $"127.0.0.1:{http}",
            "--monitoringAddr", $"127.0.0.1:{metrics}");
        (Target, _grpc) = ($"http://127.0.0.1:{grpc}", grpc);
    }

    private readonly int _grpc;

    private Func<MeasuredProcess> StartPilot { get; }

    /// <summary>Where Pilot serves xDS.</summary>
    public string Target { get; }

    public MeasuredProcess Pilot { get; private set; } = null!;

    /// <summary>Starts everything: definitions, objects, Pilot.</summary>
    public static async Task<PilotWorld> StartAsync(string meshd, int services)
    {
        var world = new PilotWorld(meshd, new FreePorts());
        foreach (var file in Directory.EnumerateFiles(Path.Combine(BenchOptions.Root, "deploy", "crds"), "*.yaml").Order(StringComparer.Ordinal))
            foreach (var document in (await File.ReadAllTextAsync(file)).Split("\n---").Where(text => text.Contains("kind:", StringComparison.Ordinal)))
                await world.SendAsync(HttpMethod.Post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document, "application/yaml");
        for (var i = 0; i < services; i++)
        {
            await world.CreateAsync("serviceentries", Entry(i));
            await world.CreateAsync("virtualservices", Route(i, "3s"));
            await world.CreateAsync("destinationrules", Rule(i));
        }
        world.Pilot = world.StartPilot();
        if (!world.Pilot.Serves(world._grpc, 120)) throw new InvalidOperationException("Pilot does not start: " + world.Pilot.Errors);
        return world;
    }

    /// <summary>Changes the timeout of one service's route.</summary>
    public Task EditAsync(int service, string timeout) =>
        SendAsync(
            HttpMethod.Patch, $"/apis/networking.istio.io/v1/namespaces/default/virtualservices/svc-{service}",
            $$"""{"spec": {"http": {{RoutesOf(service, timeout).ToJsonString()}} } }""", "application/merge-patch+json");

    public void Dispose()
    {
        Pilot?.Dispose();
        _api.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task CreateAsync(string plural, JsonObject value) =>
        SendAsync(HttpMethod.Post, $"/apis/networking.istio.io/v1/namespaces/default/{plural}", value.ToJsonString(), "application/json");

    private async Task SendAsync(HttpMethod method, string path, string body, string type)
    {
        // A definition is served a moment after it is made.
        for (var tries = 0; ; tries++)
        {
            using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, type) };
            using var answer = await _http.SendAsync(request);
            if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.Conflict) return;
            if (answer.StatusCode != HttpStatusCode.NotFound || tries > 200) throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
            await Task.Delay(50);
        }
    }

    private static JsonObject Entry(int service) => Object("ServiceEntry", service, new JsonObject
    {
        ["hosts"] = new JsonArray(Host(service)),
        ["addresses"] = new JsonArray($"10.{100 + service / 250}.{service % 250}.1"),
        ["location"] = "MESH_INTERNAL",
        ["resolution"] = "STATIC",
        ["ports"] = new JsonArray(new JsonObject { ["number"] = 8080, ["name"] = "http", ["protocol"] = "HTTP" }),
        ["endpoints"] = new JsonArray([.. Enumerable.Range(1, 3).Select(i => (JsonNode)new JsonObject { ["address"] = $"10.{200 + i}.{service / 250}.{service % 250 + 1}" })]),
    });

    private static JsonObject Route(int service, string timeout) => Object("VirtualService", service, new JsonObject { ["hosts"] = new JsonArray(Host(service)), ["http"] = RoutesOf(service, timeout) });

    private static JsonArray RoutesOf(int service, string timeout)
    {
        var destination = new JsonArray(new JsonObject { ["destination"] = new JsonObject { ["host"] = Host(service), ["port"] = new JsonObject { ["number"] = 8080 } } });
        return
        [
            new JsonObject
            {
                ["match"] = new JsonArray(new JsonObject { ["uri"] = new JsonObject { ["prefix"] = "/api" } }), ["route"] = destination.DeepClone(), ["timeout"] = timeout,
                ["retries"] = new JsonObject { ["attempts"] = 3, ["perTryTimeout"] = "1s" },
            },
            new JsonObject { ["route"] = destination },
        ];
    }

    private static JsonObject Rule(int service) => Object("DestinationRule", service, new JsonObject
    {
        ["host"] = Host(service),
        ["trafficPolicy"] = new JsonObject
        {
            ["loadBalancer"] = new JsonObject { ["simple"] = "ROUND_ROBIN" },
            ["connectionPool"] = new JsonObject { ["http"] = new JsonObject { ["http1MaxPendingRequests"] = 100 } },
            ["outlierDetection"] = new JsonObject { ["consecutive5xxErrors"] = 5 },
        },
    });

    private static string Host(int service) => $"svc-{service}.bench.test";

    private static JsonObject Object(string kind, int service, JsonObject spec) => new()
    {
        ["apiVersion"] = "networking.istio.io/v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = $"svc-{service}", ["namespace"] = "default" }, ["spec"] = spec,
    };
}
