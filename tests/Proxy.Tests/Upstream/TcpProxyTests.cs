using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class TcpProxyTests
{
    private static ClusterProxy Start(string clusters, string settings) => ClusterProxy.Start(clusters, _ => $$"""
        - filters:
          - name: tcp
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, {{settings}} }
        """);

    private static async Task<string> AskAsync(ClusterProxy proxy, string request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", proxy.Port, TestContext.Current.CancellationToken);
        using var stream = new NetworkStream(socket);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Connections_are_shared_by_weight()
    {
        using ScriptedUpstream one = new("one"), two = new("two");
        await using var proxy = Start($$"""
            - {name: one, load_assignment: {{ClusterProxy.Endpoints(one.Port)}} }
            - {name: two, load_assignment: {{ClusterProxy.Endpoints(two.Port)}} }
            """, "weighted_clusters: {clusters: [{name: one, weight: 90}, {name: two, weight: 10}]}");
        var ones = 0;
        for (var i = 0; i < 60; i++)
            if ((await AskAsync(proxy)).EndsWith("one", StringComparison.Ordinal)) ones++;
        Assert.InRange(ones, 44, 60);
    }

    [Fact]
    public async Task Another_host_is_tried_when_one_does_not_answer()
    {
        using var upstream = new ScriptedUpstream("well");
        await using var proxy = Start($$"""- {name: app, connect_timeout: 1s, load_assignment: {{ClusterProxy.Endpoints(1, upstream.Port)}} }""", "cluster: app, max_connect_attempts: 3");
        for (var i = 0; i < 4; i++) Assert.EndsWith("well", await AskAsync(proxy));
    }

    [Fact]
    public async Task A_connection_lives_no_longer_than_told()
    {
        using var upstream = new ScriptedUpstream((_, _) => "");
        await using var proxy = Start($$"""- {name: app, load_assignment: {{ClusterProxy.Endpoints(upstream.Port)}} }""", "cluster: app, max_downstream_connection_duration: 0.3s");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", proxy.Port, TestContext.Current.CancellationToken);
        var started = Stopwatch.GetTimestamp();
        var buffer = new byte[1];
        try
        {
            Assert.Equal(0, await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken));
        }
        catch (SocketException)
        {
            // Cut rather than closed: it is gone either way.
        }
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 200, 5000);
    }
}
