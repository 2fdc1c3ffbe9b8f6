using System.Collections.Concurrent;
using Envoy.Service.Accesslog.V3;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Lateen.Support;
using Opentelemetry.Proto.Collector.Trace.V1;
using Xunit;

namespace Lateen.Proxy.Tests.AccessLogs;

/// <summary>Logs and spans reach gRPC collectors through the clusters of the proxy, with all that these say of the way.</summary>
public sealed class CollectorTests
{
    private static readonly RpcMethod<StreamAccessLogsMessage, StreamAccessLogsResponse> StreamAccessLogs =
        new(RpcKind.ClientStream, "envoy.service.accesslog.v3.AccessLogService", "StreamAccessLogs");

    private static readonly RpcMethod<ExportTraceServiceRequest, ExportTraceServiceResponse> ExportTraces =
        new(RpcKind.Unary, "opentelemetry.proto.collector.trace.v1.TraceService", "Export");

    private const string LogByGrpc = """
        access_log:
        - name: als
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig
            common_config:
              log_name: front
              transport_api_version: V3
              buffer_flush_interval: 0.05s
              grpc_service: {envoy_grpc: {cluster_name: collector}, initial_metadata: [ {key: x-who, value: proxy} ] }
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Log_entries_come_in_one_stream_that_says_who_logs(bool tls)
    {
        var messages = new ConcurrentQueue<(StreamAccessLogsMessage Message, string? Who)>();
        await using var collector = await RpcUpstream.StartAsync(
            new RpcServiceTable().ClientStream(StreamAccessLogs, async (requests, call) =>
            {
                await foreach (var request in requests) messages.Enqueue((request, call.RequestHeaders["x-who"]));
                return new StreamAccessLogsResponse();
            }),
            tls);
        await using (var proxy = TestProxy.Start(manager: LogByGrpc, clusters: collector.Cluster("collector")))
        {
            using var client = proxy.Client();
            for (var i = 0; i < 3; i++)
            {
                await client.GetAsync($"/{i}", TestContext.Current.CancellationToken);
                var count = i + 1;
                await Eventually.TrueAsync(() => Paths().Length == count);
            }
            Assert.Equal(1, await proxy.StatAsync("cluster.collector.upstream_cx_http2_total"));
            if (tls) Assert.Equal(1, await proxy.StatAsync("cluster.collector.ssl.handshake"));
            await client.GetAsync("/last", TestContext.Current.CancellationToken);
        }
        // What waited when the proxy ended was sent.
        await Eventually.TrueAsync(() => Paths().Length == 4);
        Assert.Equal(["/0", "/1", "/2", "/last"], Paths());
        var identifier = Assert.Single(messages, sent => sent.Message.Identifier is not null);
        Assert.Equal(("front", "sidecar~127.0.0.1~test.default~default.svc.cluster.local", "proxy"), (identifier.Message.Identifier.LogName, identifier.Message.Identifier.Node.Id, identifier.Who));

        string[] Paths() => [.. messages.SelectMany(sent => sent.Message.HttpLogs?.LogEntry ?? []).Select(entry => entry.Request.Path)];
    }

    [Fact]
    public async Task Entries_go_to_a_new_stream_when_the_service_has_ended_the_old_one()
    {
        var identifiers = 0;
        var paths = new ConcurrentQueue<string>();
        await using var collector = await RpcUpstream.StartAsync(new RpcServiceTable().ClientStream(StreamAccessLogs, async (requests, _) =>
        {
            await foreach (var request in requests)
            {
                if (request.Identifier is not null) Interlocked.Increment(ref identifiers);
                foreach (var entry in request.HttpLogs.LogEntry) paths.Enqueue(entry.Request.Path);
                break;
            }
            return new StreamAccessLogsResponse();
        }));
        await using var proxy = TestProxy.Start(manager: LogByGrpc, clusters: collector.Cluster("collector"));
        using var client = proxy.Client();
        await Eventually.TrueAsync(async () =>
        {
            await client.GetAsync("/again", TestContext.Current.CancellationToken);
            return Volatile.Read(ref identifiers) >= 2;
        });
        Assert.True(paths.Count >= 2);
    }

    [Fact]
    public async Task Spans_are_exported_by_gRPC_over_TLS()
    {
        var spans = new ConcurrentQueue<string>();
        await using var collector = await RpcUpstream.StartAsync(
            new RpcServiceTable().Unary(ExportTraces, (request, _) =>
            {
                foreach (var span in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)) spans.Enqueue(span.Name);
                return Task.FromResult(new ExportTraceServiceResponse());
            }),
            tls: true);
        await using var proxy = TestProxy.Start("- {match: {prefix: \"/\"}, route: {cluster: app}, decorator: {operation: shop}}", clusters: collector.Cluster("collector"), manager: """
            tracing:
              provider:
                name: otel
                typed_config:
                  "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
                  service_name: shop.default
                  grpc_service: {envoy_grpc: {cluster_name: collector}, timeout: 5s}
            """);
        using var client = proxy.Client();
        await client.GetAsync("/a", TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => !spans.IsEmpty);
        Assert.Equal("shop", Assert.Single(spans));
        Assert.Equal(1, await proxy.StatAsync("cluster.collector.upstream_rq_2xx"));
    }
}
