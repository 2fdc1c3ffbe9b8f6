using System.Net;
using System.Text;
using Lateen.Proxy.Network;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>What is asked of connections rather than of requests: limits, PROXY headers on both sides, the cluster of a server name.</summary>
public sealed class ConnectionFiltersTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connections_beyond_the_limit_are_closed_until_others_end(bool tcp)
    {
        await using var proxy = TestProxy.Start(tcp: tcp, before: """
            - name: limit
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit, stat_prefix: few, max_connections: 1}
            """);
        using (await proxy.ConnectAsync())
        {
            await Eventually.TrueAsync(async () => await proxy.StatAsync("connection_limit.few.active_connections") == 1);
            Assert.Equal("", await proxy.SendAsync(Get));
            Assert.Equal(1, await proxy.StatAsync("connection_limit.few.limited_connections"));
        }
        await Eventually.TrueAsync(async () => await proxy.StatAsync("connection_limit.few.active_connections") == 0);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Get.Replace("Connection: close\r\n", "", StringComparison.Ordinal), quietMs: 3000));
    }

    [Fact]
    public async Task Connections_need_tokens()
    {
        await using var proxy = TestProxy.Start(before: """
            - name: rate
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit, stat_prefix: slow, token_bucket: {max_tokens: 2, fill_interval: 3600s} }
            """);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Get));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Get));
        Assert.Equal("", await proxy.SendAsync(Get));
        Assert.Equal(1, await proxy.StatAsync("local_rate_limit.slow.rate_limited"));
    }

    private static string ProxyFilter(string more = "") => $$"""
        listener_filters:
        - name: proxy
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol{{more}} }
        """;

    private const string TellsClient = "- {match: {prefix: \"/\"}, route: {cluster: app}, request_headers_to_add: [ {header: {key: x-client, value: \"%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS%\"} } ] }";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_client_is_who_the_header_says(int version)
    {
        await using var proxy = TestProxy.Start(TellsClient, listener: ProxyFilter());
        var header = ProxyHeader.Write(version, SocketAddress.From(IPAddress.Parse("10.1.2.3"), 4567), SocketAddress.From(IPAddress.Parse("10.9.9.9"), 80));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Encoding.Latin1.GetString(header) + Get));
        Assert.Contains("x-client: 10.1.2.3:4567 10.9.9.9:80\r\n", proxy.Upstream.Received);
        Assert.Equal(1, await proxy.StatAsync($"proxy_proto.versions.v{version}.found"));
    }

    [Theory]
    [InlineData("", "", false)]
    [InlineData(", allow_requests_without_proxy_protocol: true", "", true)]
    [InlineData(", disallowed_versions: [V1]", "PROXY TCP4 10.1.2.3 10.9.9.9 1 2\r\n", false)]
    [InlineData("", "PROXY TCP4 nonsense\r\n", false)]
    [InlineData("", "PROXY UNKNOWN\r\n", true)]
    public async Task Connections_without_a_good_header_are_served_as_the_filter_says(string more, string header, bool served)
    {
        await using var proxy = TestProxy.Start(TellsClient, listener: ProxyFilter(more));
        Assert.Equal(served, (await proxy.SendAsync(header + Get)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal));
        if (served) Assert.Contains("x-client: 127.0.0.1:", proxy.Upstream.Received);
    }

    [Theory]
    [InlineData("V1", "PROXY TCP4 127.0.0.1 127.0.0.1 ")]
    [InlineData("V2", "\r\n\r\n\0\r\nQUIT\n")]
    public async Task Upstreams_of_HTTP_are_told_whose_request_it_is(string version, string begin)
    {
        await using var proxy = TestProxy.Start(cluster: $$"""
            transport_socket:
              name: proxy
              typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport, config: {version: {{version}} }, transport_socket: {name: raw, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer} } }
            """);
        // Nobody's connection serves anybody else.
        for (var i = 1; i <= 2; i++)
        {
            await proxy.SendAsync(Get);
            Assert.Equal(i, proxy.Upstream.Received.Split(begin).Length - 1);
        }
        Assert.Equal(2, await proxy.StatAsync("cluster.app.upstream_cx_total"));
    }
}
