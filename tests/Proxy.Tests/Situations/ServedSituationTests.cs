using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Situations;

/// <summary>
/// Serves the route tables of recorded situations, with one local endpoint in place of all recorded ones, and asks for what
/// each situation's config.yaml promises; of a stock Envoy on the same bootstrap, where it is on this machine, too.
/// </summary>
public sealed class ServedSituationTests
{
    private const string Default = ".default.svc.cluster.local";

    /// <param name="Recording">SITUATION/PROXY.</param>
    /// <param name="Table">Name of the route table.</param>
    /// <param name="Request">"METHOD HOST PATH", and headers behind it, separated by bars.</param>
    /// <param name="Expected">Status, then a pattern of the cluster, or of a header as NAME=PATTERN.</param>
    private sealed record Promise(string Recording, string Table, string Request, string Expected);

    private static readonly Promise[] Promises =
    [
        new("bookinfo-none/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("bookinfo-none/gateway", "http.8080", "GET any.example /productpage", $@"200 outbound\|9080\|\|productpage{Default}"),
        new("bookinfo-none/gateway", "http.8080", "GET any.example /nowhere", "404"),
        new("bookinfo-all-v1/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|v1\|reviews{Default}"),
        new("bookinfo-all-v1/sidecar", "9080", "GET details /", $@"200 outbound\|9080\|v1\|details{Default}"),
        new("bookinfo-destination-rule-all/sidecar", "9080", "GET details.default:9080 /", $@"200 outbound\|9080\|\|details{Default}"),
        new("bookinfo-destination-rule-all-mtls/sidecar", "9080", "GET ratings:9080 /", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("bookinfo-ratings-abort/sidecar-reviews", "9080", "GET ratings:9080 /|end-user: jason", "500"),
        new("bookinfo-ratings-abort/sidecar-reviews", "9080", "GET ratings:9080 /", $@"200 outbound\|9080\|v1\|ratings{Default}"),
        new("bookinfo-ratings-delay/sidecar-reviews", "9080", "GET ratings:9080 /|end-user: other", $@"200 outbound\|9080\|v1\|ratings{Default}"),
        new("bookinfo-reviews-50-v3/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|v[13]\|reviews{Default}"),
        new("bookinfo-reviews-test-v2/sidecar", "9080", "GET reviews:9080 /|end-user: jason", $@"200 outbound\|9080\|v2\|reviews{Default}"),
        new("bookinfo-reviews-test-v2/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|v1\|reviews{Default}"),
        new("cors/gateway", "http.8080", "GET httpbin.harbor.example /|origin: https://a.example", "200 access-control-allow-origin=https://a.example"),
        new("cors/gateway", "http.8080", "GET httpbin.harbor.example /|origin: https://xc", "200 access-control-expose-headers=x-b"),
        new("cors/gateway", "http.8080", "OPTIONS httpbin.harbor.example /|origin: https://a.example|access-control-request-method: POST", "200 access-control-allow-methods=GET,POST"),
        new("delegate/gateway", "http.8080", "GET books.example /p/x1", $@"200 outbound\|9080\|\|productpage{Default}"),
        new("delegate/gateway", "http.8080", "GET books.example /p/y", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("delegate/gateway", "http.8080", "GET books.example /q", $@"200 outbound\|9080\|\|details{Default}"),
        new("delegate/gateway", "http.8080", "GET other.example /q", "404"),
        // The direct response for ratings is of another namespace and not exported.
        new("export-to/sidecar", "9080", "GET ratings:9080 /", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("export-to/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("gateway-api-mesh/sidecar", "9080", "GET reviews:9080 /|end-user: jason", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("gateway-api-mesh/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|(reviews|details){Default}"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /b/x?q=1&r=xx&s=pq", $@"200 outbound\|9080\|v2\|reviews{Default}"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /b/x?q=2", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /redir", @"307 location=https://n\.example:8443/new"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /direct", "418"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /bytes", "200 content-length=2"),
        new("http-everything/sidecar", "9080", "GET reviews:9080 /heads", "200 x-v=3"),
        new("mirror/sidecar", "8000", "GET httpbin:8000 /one", $@"200 outbound\|8000\|\|httpbin{Default}"),
        new("proxy-gateway-extras/gateway", "http.8080", "GET one.example /a/b", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("proxy-gateway-extras/gateway", "http.8080", "GET three.example /a/long/b", $@"200 outbound\|9080\|\|details{Default}"),
        new("proxy-gateway-extras/gateway", "http.8080", "GET three.example /z", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("jwt-authz/gateway", "http.8080", "GET any.example /login", $@"200 outbound\|9080\|\|productpage{Default}"),
        new("registry-only/sidecar", "9080", "GET unknown.example:9080 /", "502"),
        new("registry-only/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("sidecar-egress/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("sidecar-egress/sidecar", "9080", "GET details:9080 /", "200 PassthroughCluster"),
        new("load-balancers/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("locality-default/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("locality-distribute/sidecar", "9080", "GET reviews:9080 /", $@"200 outbound\|9080\|\|reviews{Default}"),
        new("connection-pools/sidecar", "9080", "GET details:9080 /", $@"200 outbound\|9080\|\|details{Default}"),
        new("mtls-disable/sidecar", "9080", "GET ratings:9080 /", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("mtls-strict/sidecar", "9080", "GET ratings:9080 /", $@"200 outbound\|9080\|\|ratings{Default}"),
        new("service-entries/sidecar", "80", "GET dns.example /", @"200 outbound\|80\|\|dns\.example"),
        new("tls-origination/sidecar", "80", "GET api.example /", @"200 outbound\|80\|\|api\.example"),
    ];

    [Fact]
    public async Task Every_route_does_what_its_configuration_promises()
    {
        using var upstream = new RecordingUpstream();
        var (bootstrap, ports) = Bootstrap(upstream.Port);
        await using var server = ProxyServer.Start(new ProxyOptions { Bootstrap = bootstrap, Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory());
        Assert.True(Promises.Select(promise => promise.Recording.Split('/')[0]).Distinct().Count() >= 20);
        await AskAllAsync(ports);
    }

    [Fact]
    public async Task Envoy_does_the_same()
    {
        var envoy = Tools.Require("envoy");
        using var folder = new TempFolder();
        using var upstream = new RecordingUpstream();
        var (bootstrap, ports) = Bootstrap(upstream.Port);
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(envoy, ["-c", folder.Write("envoy.json", bootstrap), "--concurrency", "1", "--base-id", $"{Environment.ProcessId}", "-l", "critical"]))!;
        try
        {
            await Eventually.TrueAsync(async () => (await AnswerAsync(ports.Values.First(), "GET any.example /")).Length > 0, TimeSpan.FromSeconds(30));
            await AskAllAsync(ports);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static async Task AskAllAsync(IReadOnlyDictionary<string, int> ports)
    {
        var broken = new List<string>();
        foreach (var promise in Promises)
        {
            var answer = await AnswerAsync(ports[promise.Recording + promise.Table], promise.Request);
            if (!IsKept(promise.Expected, answer)) broken.Add($"{promise.Recording} {promise.Request}: expected {promise.Expected}, had\n{answer}");
        }
        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    private static bool IsKept(string expected, string answer)
    {
        var (status, rest) = expected.Split(' ', 2) is [var code, var more] ? (code, more) : (expected, "");
        if (!answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal)) return false;
        if (rest.Length == 0) return true;
        var (name, pattern) = rest.Split('=', 2) is [var header, var value] ? (header, value) : ("x-cluster", rest);
        return Regex.IsMatch(answer, $"(?im)^{name}: {pattern}\r$");
    }

    private static async Task<string> AnswerAsync(int port, string request)
    {
        var parts = request.Split('|');
        var line = parts[0].Split(' ');
        var text = new StringBuilder($"{line[0]} {line[2]} HTTP/1.1\r\nhost: {line[1]}\r\nconnection: close\r\n");
        foreach (var header in parts[1..]) text.Append(header).Append("\r\n");
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text.Append("\r\n").ToString()));
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10));
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
        {
            return "";
        }
    }

    /// <summary>One listener for each table that a promise is about, all clusters with the same endpoint.</summary>
    private static (string Bootstrap, Dictionary<string, int> Ports) Bootstrap(int upstream)
    {
        var clusters = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        var listeners = new JsonArray();
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        var wanted = Promises.Select(promise => (promise.Recording, promise.Table)).Distinct().ToArray();
        var free = FreePorts.Many(wanted.Length);
        foreach (var ((recording, table), port) in wanted.Zip(free))
        {
            var dump = Recorded.Load(recording);
            foreach (var cluster in dump["clusters"]!.AsArray()) clusters.TryAdd((string)cluster!["name"]!, Local((string)cluster["name"]!, upstream));
            var route = dump["routes"]!.AsArray().First(candidate => (string?)candidate!["name"] == table)!.DeepClone().AsObject();
            route.Remove("@type");
            route["response_headers_to_add"] = JsonNode.Parse("""[ {"header": {"key": "x-cluster", "value": "%UPSTREAM_CLUSTER_RAW%"} } ]""");
            listeners.Add((JsonNode)Listener($"{recording} {table}", port, route));
            ports[recording + table] = port;
        }
        var bootstrap = new JsonObject
        {
            ["static_resources"] = new JsonObject { ["clusters"] = new JsonArray([.. clusters.Values]), ["listeners"] = listeners },
        };
        return (bootstrap.ToJsonString(), ports);
    }

    private static JsonObject Local(string name, int port) => new()
    {
        ["name"] = name,
        ["type"] = "STATIC",
        ["connect_timeout"] = "1s",
        ["load_assignment"] = new JsonObject
        {
            ["cluster_name"] = name,
            ["endpoints"] = JsonNode.Parse($$"""[ {"lb_endpoints": [ {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": {{port}} } } } } ] } ]"""),
        },
    };

    private static JsonObject Listener(string name, int port, JsonObject route) => new()
    {
        ["name"] = name,
        ["address"] = JsonNode.Parse($$"""{"socket_address": {"address": "127.0.0.1", "port_value": {{port}} } }"""),
        ["filter_chains"] = new JsonArray(new JsonObject
        {
            ["filters"] = new JsonArray(new JsonObject
            {
                ["name"] = "envoy.filters.network.http_connection_manager",
                ["typed_config"] = new JsonObject
                {
                    ["@type"] = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    ["stat_prefix"] = "served",
                    ["route_config"] = route,
                    ["http_filters"] = JsonNode.Parse("""
                        [
                          {"name": "envoy.filters.http.fault", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"} },
                          {"name": "envoy.filters.http.cors", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"} },
                          {"name": "envoy.filters.http.router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"} }
                        ]
                        """),
                },
            }),
        }),
    };
}
