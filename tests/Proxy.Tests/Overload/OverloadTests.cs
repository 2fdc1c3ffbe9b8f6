using System.Net;
using System.Net.Sockets;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Compile;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Overload;

public sealed class OverloadTests
{
    private const string Connections = """resource_monitors: [ {name: connections, typed_config: {"@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 1} } ]""";

    [Fact]
    public async Task Too_much_memory_is_answered_with_503()
    {
        var port = FreePorts.Many(1)[0];
        await using var server = Start(
            port,
            """resource_monitors: [ {name: heap, typed_config: {"@type": type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: 1000} } ]""",
            "actions: [ {name: envoy.overload_actions.stop_accepting_requests, triggers: [ {name: heap, threshold: {value: 0.9} } ] } ]");
        using var client = new HttpClient();
        HttpResponseMessage answer = null!;
        await Eventually.TrueAsync(async () => (answer = await client.GetAsync($"http://127.0.0.1:{port}/")).StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.Equal("envoy overloaded", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task One_connection_too_many_is_closed_and_the_others_go_on()
    {
        var port = FreePorts.Many(1)[0];
        await using var server = Start(port, Connections);
        using var first = new TcpClient();
        await first.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        Assert.Contains("200 OK", await AskAsync(first));
        using var second = new TcpClient();
        await second.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        Assert.Equal("", await AskAsync(second));
        Assert.Contains("200 OK", await AskAsync(first));
    }

    [Theory]
    [InlineData("actions: [ {name: envoy.overload_actions.reset_high_memory_stream, triggers: [ {name: connections, threshold: {value: 1} } ] } ]", "overload_manager.actions[0].name")]
    [InlineData("actions: [ {name: envoy.overload_actions.stop_accepting_requests, triggers: [ {name: nothing, threshold: {value: 1} } ] } ]", "overload_manager.actions[0].triggers[0].name")]
    public void What_is_not_supported_is_refused(string overload, string path) => Assert.Equal(path, Assert.Throws<ConfigRefusedException>(() => Start(1, Connections, overload)).Path);

    private static ProxyServer Start(int port, string overload, string more = "") => ProxyServer.Start(
        new ProxyOptions
        {
            Concurrency = 1,
            Bootstrap = $$"""
                overload_manager:
                  refresh_interval: 0.05s
                  {{overload}}
                  {{more}}
                static_resources:
                  listeners:
                  - name: test
                    address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } }
                    filter_chains:
                    - filters:
                      - name: http
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          stat_prefix: test
                          route_config: {virtual_hosts: [ {name: all, domains: ["*"], routes: [ {match: {prefix: "/"}, direct_response: {status: 200, body: {inline_string: hello} } } ] } ] }
                          http_filters: [ {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router} } ]
                """,
        },
        new LogOptions { Targets = ["stderr"] }.CreateFactory());

    private static async Task<string> AskAsync(TcpClient client)
    {
        var buffer = new byte[4096];
        try
        {
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nhost: a\r\n\r\n"u8.ToArray());
            return System.Text.Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
