using Lateen.Proxy.Filters.Http.PeerMetadata;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

public sealed class IstioStatsTests
{
    private const string Exchange = """
        - name: istio.metadata_exchange
          typed_config:
            "@type": type.googleapis.com/udpa.type.v1.TypedStruct
            type_url: type.googleapis.com/io.istio.http.peer_metadata.Config
            value:
              downstream_discovery: [ {istio_headers: {} } ]
              upstream_discovery: [ {istio_headers: {} } ]
              downstream_propagation: [ {istio_headers: {} } ]
              upstream_propagation: [ {istio_headers: {} } ]
        """;

    private const string Stats = """
        - name: istio.stats
          typed_config: {"@type": type.googleapis.com/stats.PluginConfig}
        """;

    private const string Services = "metadata: {filter_metadata: {istio: {services: [ {host: shop.default.svc.cluster.local, name: shop, namespace: default} ] } } }";

    [Fact]
    public async Task Requests_are_counted_with_the_labels_of_both_sides()
    {
        await using var proxy = TestProxy.Start(filters: Exchange + "\n" + Stats, cluster: Services);
        using var client = proxy.Client();
        await client.GetAsync("/", TestContext.Current.CancellationToken);
        await client.GetAsync("/status/503", TestContext.Current.CancellationToken);
        var page = await PageAsync(proxy, "response_code=\"503\"");
        var line = Assert.Single(page.Split('\n'), line => line.StartsWith("istio_requests_total{", StringComparison.Ordinal) && line.Contains("response_code=\"200\"", StringComparison.Ordinal));
        Assert.EndsWith("} 1", line);
        foreach (var label in new[]
                 {
                     "reporter=\"source\"", "destination_service=\"shop.default.svc.cluster.local\"", "destination_service_name=\"shop\"", "request_protocol=\"http\"", "response_flags=\"-\"",
                     "connection_security_policy=\"unknown\"", "grpc_response_status=\"\"", "destination_canonical_revision=\"latest\"", "source_workload=\"unknown\"",
                 })
            Assert.Contains(label, line, StringComparison.Ordinal);
        foreach (var family in new[] { "istio_request_duration_milliseconds_bucket{", "istio_request_bytes_sum{", "istio_response_bytes_count{" }) Assert.Contains(family, page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_peer_says_of_itself_is_in_the_labels_and_goes_no_further()
    {
        var peer = new WorkloadFacts { Workload = "web-v1", Namespace = "front", App = "web", CanonicalName = "web", CanonicalRevision = "v1" }.ToBase64();
        await using var proxy = TestProxy.Start(filters: Exchange + "\n" + Stats.Replace("PluginConfig}", "PluginConfig, reporter: SERVER_GATEWAY}", StringComparison.Ordinal));
        using var client = proxy.Client();
        client.DefaultRequestHeaders.Add("x-envoy-peer-metadata", peer);
        client.DefaultRequestHeaders.Add("x-envoy-peer-metadata-id", "web-1");
        var answer = await client.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.True(answer.Headers.Contains("x-envoy-peer-metadata"));
        Assert.DoesNotContain(peer, proxy.Upstream.Received, StringComparison.Ordinal);
        Assert.Contains("x-envoy-peer-metadata-id: sidecar~127.0.0.1~test.default", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
        var page = await PageAsync(proxy, "source_workload=\"web-v1\"");
        Assert.Contains("source_canonical_revision=\"v1\",source_workload_namespace=\"front\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_and_metrics_are_changed_as_a_Telemetry_says()
    {
        await using var proxy = TestProxy.Start(filters: Stats.Replace("PluginConfig}", """PluginConfig, metrics: [ {dimensions: {request_host: request.host, source_app: "'mine'"}, tags_to_remove: [response_flags]}, {name: request_bytes, drop: true} ] }""", StringComparison.Ordinal));
        using var client = proxy.Client();
        await client.GetAsync("/", TestContext.Current.CancellationToken);
        var page = await PageAsync(proxy, "istio_requests_total");
        Assert.Contains($"request_host=\"127.0.0.1:{proxy.Port}\"", page, StringComparison.Ordinal);
        Assert.Contains("source_app=\"mine\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("response_flags=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("istio_request_bytes_", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Facts_survive_the_wire()
    {
        var facts = new WorkloadFacts { Workload = "w", Namespace = "n", App = "a", Version = "v", CanonicalName = "c", CanonicalRevision = "r", Cluster = "k", Owner = "o", Instance = "i" };
        Assert.Equal(facts.ToBase64(), WorkloadFacts.Parse(System.Text.Encoding.ASCII.GetBytes(facts.ToBase64().TrimEnd('=')), [])!.ToBase64());
        Assert.Null(WorkloadFacts.Parse("no base64!"u8, []));
    }

    private static async Task<string> PageAsync(TestProxy proxy, string expected)
    {
        using var admin = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{proxy.AdminPort}") };
        var page = "";
        await Eventually.TrueAsync(async () => (page = await admin.GetStringAsync("/stats/prometheus")).Contains(expected, StringComparison.Ordinal));
        return page;
    }
}
