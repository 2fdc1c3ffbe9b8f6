using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Tracing;

public sealed class TracingTests
{
    private const string Zipkin = """
        tracing:
          custom_tags:
          - {tag: fixed, literal: {value: x}}
          - {tag: named, request_header: {name: x-named, default_value: d}}
          provider:
            name: zipkin
            typed_config: {"@type": type.googleapis.com/envoy.config.trace.v3.ZipkinConfig, collector_cluster: collector, collector_endpoint: /api/v2/spans, collector_endpoint_version: HTTP_JSON, trace_id_128bit: true}
        """;

    private const string Route = "- {match: {prefix: \"/\"}, route: {cluster: app}, decorator: {operation: shop}}";

    [Fact]
    public async Task A_request_becomes_a_span_at_the_Zipkin_collector()
    {
        using var collector = new RecordingUpstream();
        await using var proxy = TestProxy.Start(Route, manager: Zipkin, clusters: Cluster(collector.Port));
        using var client = proxy.Client();
        client.DefaultRequestHeaders.Add("x-named", "n");
        await client.GetAsync("/a", TestContext.Current.CancellationToken);
        var span = (await SpansAsync(collector))[0]!;
        Assert.Equal("shop", (string?)span["name"]);
        Assert.Equal("SERVER", (string?)span["kind"]);
        Assert.Equal("test", (string?)span["localEndpoint"]!["serviceName"]);
        var tags = span["tags"]!;
        Assert.Equal(("200", "GET", "x", "n", "app"), ((string?)tags["http.status_code"], (string?)tags["http.method"], (string?)tags["fixed"], (string?)tags["named"], (string?)tags["upstream_cluster"]));
        // The upstream was told of the same span.
        Assert.Contains($"x-b3-traceid: {(string?)span["traceId"]}\r\n", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"x-b3-spanid: {(string?)span["id"]}\r\n", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_server_takes_part_in_the_callers_span()
    {
        using var collector = new RecordingUpstream();
        await using var proxy = TestProxy.Start(Route, manager: Zipkin, clusters: Cluster(collector.Port));
        using var client = proxy.Client();
        client.DefaultRequestHeaders.Add("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1");
        await client.GetAsync("/a", TestContext.Current.CancellationToken);
        var span = (await SpansAsync(collector))[0]!;
        Assert.Equal(("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", true), ((string?)span["traceId"], (string?)span["id"], (bool?)span["shared"]));
    }

    [Fact]
    public async Task What_the_caller_does_not_sample_is_not_sampled()
    {
        using var collector = new RecordingUpstream();
        await using var proxy = TestProxy.Start(Route, manager: Zipkin, clusters: Cluster(collector.Port));
        using var client = proxy.Client();
        using var first = new HttpRequestMessage(HttpMethod.Get, "/no") { Headers = { { "x-b3-sampled", "0" } } };
        await client.SendAsync(first, TestContext.Current.CancellationToken);
        await client.GetAsync("/yes", TestContext.Current.CancellationToken);
        Assert.EndsWith("/yes", (string?)Assert.Single(await SpansAsync(collector))!["tags"]!["http.url"], StringComparison.Ordinal);
        Assert.Contains("x-b3-sampled: 0\r\n", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("100", '9')]
    [InlineData("0", '4')]
    public async Task The_decision_is_in_the_requests_id(string percent, char letter)
    {
        using var collector = new RecordingUpstream();
        await using var proxy = TestProxy.Start(Route, manager: Zipkin.Replace("tracing:", $"tracing:\n  random_sampling: {{value: {percent}}}", StringComparison.Ordinal), clusters: Cluster(collector.Port));
        using var client = proxy.Client();
        await client.GetAsync("/a", TestContext.Current.CancellationToken);
        Assert.Equal(letter, Regex.Match(proxy.Upstream.Received, "x-request-id: (.{36})\r\n", RegexOptions.IgnoreCase).Groups[1].Value[14]);
    }

    [Fact]
    public async Task Spans_go_to_an_OpenTelemetry_collector_by_HTTP_with_traceparent_upstream()
    {
        using var collector = new RecordingUpstream();
        await using var proxy = TestProxy.Start(Route, clusters: Cluster(collector.Port), manager: """
            tracing:
              provider:
                name: otel
                typed_config:
                  "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
                  service_name: shop.default
                  http_service: {http_uri: {uri: "http://collector/v1/traces", cluster: collector, timeout: 1s}}
            """);
        using var client = proxy.Client();
        client.DefaultRequestHeaders.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        await client.GetAsync("/a", TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => collector.Received.Contains("shop.default", StringComparison.Ordinal));
        Assert.Contains("POST /v1/traces HTTP/1.1", collector.Received);
        Assert.Matches("traceparent: 00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01\r\n", proxy.Upstream.Received);
    }

    private static string Cluster(int port) => $$"""
        - name: collector
          type: STATIC
          connect_timeout: 1s
          load_assignment: {cluster_name: collector, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } } } } ] } ] }
        """;

    private static async Task<JsonArray> SpansAsync(RecordingUpstream collector)
    {
        await Eventually.TrueAsync(() => collector.Received.TrimEnd().EndsWith(']'));
        var text = collector.Received;
        return JsonNode.Parse(text[text.IndexOf("\r\n\r\n", StringComparison.Ordinal)..])!.AsArray();
    }
}
