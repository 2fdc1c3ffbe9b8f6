using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The network RBAC filter in front of TCP and of HTTP.</summary>
public sealed class NetworkRbacTests
{
    private static string Deny(string principal) => $$"""
        - name: rbac
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC
            stat_prefix: tcp.
            rules:
              action: DENY
              policies:
                deny: {permissions: [{any: true}], principals: [{{principal}}]}
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Denied_connection_is_closed_before_its_bytes_reach_anyone(bool tcp)
    {
        await using var proxy = TestProxy.Start(before: Deny("{direct_remote_ip: {address_prefix: 127.0.0.1, prefix_len: 32}}"), tcp: tcp);
        Assert.Equal("", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal("", proxy.Upstream.Received);
        Assert.Equal(1, await proxy.StatAsync("tcp.rbac.denied"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Others_go_through(bool tcp)
    {
        await using var proxy = TestProxy.Start(before: Deny("{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}"), tcp: tcp);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n", quietMs: 3000));
        Assert.Equal(1, await proxy.StatAsync("tcp.rbac.allowed"));
    }

    [Fact]
    public async Task Server_that_speaks_first_is_heard_by_a_client_that_is_denied_later()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using var proxy = TestProxy.Start(
            before: Deny("{any: true}") + $$"""

            - name: tcp
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: banner
                cluster: banner
            """,
            clusters: $$"""
            - name: banner
              type: STATIC
              load_assignment: {cluster_name: banner, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{((IPEndPoint)listener.LocalEndPoint!).Port}} } } } }]}]}
            """,
            tcp: null);
        using var client = await proxy.ConnectAsync();
        using var server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await server.SendAsync("hello"u8.ToArray());
        var buffer = new byte[16];
        Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer)));
        await client.SendAsync("secret"u8.ToArray());
        Assert.Equal(0, await ReceiveAsync(client, buffer));
        Assert.Equal(0, await ReceiveAsync(server, buffer));
    }

    /// <summary>0 for an end and for a reset.</summary>
    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer)
    {
        try
        {
            return await socket.ReceiveAsync(buffer);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
