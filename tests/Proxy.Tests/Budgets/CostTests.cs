using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Budgets;

/// <summary>Memory is that of the whole process: nothing else may run in it meanwhile.</summary>
[CollectionDefinition(nameof(CostTests), DisableParallelization = true)]
public sealed class CostTestsRunAlone;

/// <summary>
/// What a request and a connection cost, in a running proxy with routing, statistics and an access log as a sidecar has them.
/// </summary>
[Collection(nameof(CostTests))]
public sealed class CostTests : IDisposable
{
    private const int WarmUp = 400;
    private readonly FixedUpstream _upstream = new();
    private readonly TempFolder _folder = new();
    private readonly int _port = FreePorts.Many(1)[0];
    private readonly List<Socket> _clients = [];

    /// <summary>One connection, and as many as suspend every method of the engine many times at once.</summary>
    [Theory]
    [InlineData(1, "GET /reviews/7?x=1 HTTP/1.1\r\nHost: reviews.default.svc.cluster.local:9080\r\nUser-Agent: budget\r\nAccept: */*\r\n\r\n")]
    [InlineData(64, "GET /reviews/7?x=1 HTTP/1.1\r\nHost: reviews.default.svc.cluster.local:9080\r\nUser-Agent: budget\r\nAccept: */*\r\n\r\n")]
    [InlineData(16, "POST /reviews/7 HTTP/1.1\r\nHost: reviews:9080\r\nContent-Length: 10\r\n\r\n0123456789")]
    public async Task ASteadyRequestAllocatesNothing(int connections, string request)
    {
        await using var server = Start();
        var bytes = Encoding.ASCII.GetBytes(request);
        for (var i = 0; i < connections; i++) _clients.Add(Connect());
        Exchange(bytes, WarmUp);
        // The smallest of a few stretches: whatever else may happen on the worker once is not the requests' doing.
        var least = long.MaxValue;
        var rounds = Math.Max(20, 2000 / connections);
        for (var stretch = 0; stretch < 4; stretch++)
        {
            var before = await AllocatedAsync(server);
            Exchange(bytes, rounds);
            least = Math.Min(least, await AllocatedAsync(server) - before);
        }
        var perRequest = (double)least / (rounds * connections);
        // The two measurements are work of the worker too: less than a byte for each request is none.
        Assert.True(perRequest < Budgets.Read().BytesAllocatedPerHttp1Request + 1, $"{perRequest:F1} bytes for each request");
    }

    [Fact]
    public async Task AnIdleConnectionIsCheap()
    {
        const int Count = 400;
        await using var server = Start();
        var bytes = "GET /reviews/1 HTTP/1.1\r\nHost: reviews\r\n\r\n"u8.ToArray();
        for (var i = 0; i < 8; i++) _clients.Add(Connect());
        Exchange(bytes, 50);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Count; i++)
        {
            _clients.Add(Connect());
            Exchange(bytes, 1, from: _clients.Count - 1);
        }
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        Assert.InRange(each, 0, Budgets.Read().BytesPerIdleConnection);
    }

    public void Dispose()
    {
        foreach (var client in _clients) client.Dispose();
        _upstream.Dispose();
        _folder.Dispose();
    }

    private static Task<long> AllocatedAsync(ProxyServer server) => server.Workers[0].AskAsync(GC.GetAllocatedBytesForCurrentThread);

    /// <summary>Sends on every connection, then reads every answer; that many times.</summary>
    private void Exchange(byte[] request, int rounds, int from = 0)
    {
        Span<byte> buffer = stackalloc byte[4096];
        for (var round = 0; round < rounds; round++)
        {
            for (var i = from; i < _clients.Count; i++) _clients[i].Send(request);
            for (var i = from; i < _clients.Count; i++)
            {
                var filled = 0;
                int head;
                while ((head = buffer[..filled].IndexOf("\r\n\r\n"u8)) < 0 || filled < head + 4 + 128)
                {
                    var read = _clients[i].Receive(buffer[filled..]);
                    Assert.True(read > 0, "the proxy closed");
                    filled += read;
                }
                Assert.True(buffer.StartsWith("HTTP/1.1 200"u8), Encoding.ASCII.GetString(buffer[..filled]));
            }
        }
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 15_000 };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, _port));
        return socket;
    }

    private ProxyServer Start() => ProxyServer.Start(new ProxyOptions { Bootstrap = Bootstrap(), Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory());

    private string Bootstrap() => $$"""
        node: {id: "sidecar~127.0.0.1~test.default~default.svc.cluster.local", cluster: test}
        static_resources:
          clusters:
          - name: outbound|9080||reviews.default.svc.cluster.local
            type: STATIC
            connect_timeout: 10s
            circuit_breakers: {thresholds: [ {max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295} ] }
            load_assignment: {cluster_name: x, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{_upstream.Port}} } } } } ] } ] }
          listeners:
          - name: outbound
            address: {socket_address: {address: 127.0.0.1, port_value: {{_port}} } }
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: outbound_0.0.0.0_9080
                  normalize_path: true
                  stream_idle_timeout: 0s
                  access_log:
                  - name: envoy.access_loggers.file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: {{_folder.PathOf("access.log")}}
                      log_format: {text_format_source: {inline_string: "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"} }
                  route_config:
                    name: "9080"
                    virtual_hosts:
                    - name: productpage.default.svc.cluster.local:9080
                      domains: [productpage.default.svc.cluster.local, "productpage.default.svc.cluster.local:9080", productpage, "productpage:9080"]
                      routes: [ {match: {prefix: /}, direct_response: {status: 404} } ]
                    - name: reviews.default.svc.cluster.local:9080
                      domains: [reviews.default.svc.cluster.local, "reviews.default.svc.cluster.local:9080", reviews, "reviews:9080"]
                      routes:
                      - {match: {prefix: /, headers: [ {name: end-user, string_match: {exact: jason} } ] }, direct_response: {status: 404} }
                      - match: {prefix: /}
                        name: default
                        route:
                          timeout: 5s
                          max_grpc_timeout: 0s
                          retry_policy: {retry_on: "connect-failure,refused-stream,unavailable,cancelled", num_retries: 2, host_selection_retry_max_attempts: "5"}
                          weighted_clusters: {clusters: [ {name: "outbound|9080||reviews.default.svc.cluster.local", weight: 50}, {name: "outbound|9080||reviews.default.svc.cluster.local", weight: 50} ] }
                  http_filters:
                  - name: envoy.filters.http.fault
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}
                  - name: envoy.filters.http.cors
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """;
}
