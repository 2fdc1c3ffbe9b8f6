using System.Net;
using System.Net.Sockets;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.HealthChecks;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class HealthCheckTests
{
    private const string Fast = "timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 2, healthy_threshold: 2";

    private static string App(string check, params int[] ports) =>
        $$"""- {name: app, connect_timeout: 1s, load_assignment: {{ClusterProxy.Endpoints(ports)}}, common_lb_config: {healthy_panic_threshold: {value: 0} }, health_checks: [{ {{Fast}}, {{check}} }] }""";

    [Fact]
    public async Task Hosts_come_and_go_with_their_checks()
    {
        var status = 200;
        using var upstream = new ScriptedUpstream((_, head) => head.StartsWith("GET /healthz ", StringComparison.Ordinal) ? ScriptedUpstream.Status(status) : ScriptedUpstream.Ok("ok"));
        await using var proxy = ClusterProxy.Start(App("http_health_check: {path: /healthz, host: check.example}", upstream.Port));
        await Eventually.TrueAsync(async () => (await proxy.GetAsync()).Status == 200);
        Assert.Contains(upstream.Heads, head => head.Contains("check.example", StringComparison.Ordinal) && head.Contains("Envoy/HC", StringComparison.OrdinalIgnoreCase));
        status = 503;
        await Eventually.TrueAsync(async () => await proxy.GetAsync() == (503, "no healthy upstream"));
        Assert.Equal("/failed_active_hc", Assert.Single(proxy.Cluster().Hosts.All).FlagText());
        status = 200;
        await Eventually.TrueAsync(async () => (await proxy.GetAsync()).Status == 200);
        Assert.True(proxy.Stat(ClusterStats.CheckSuccess) >= 3);
        Assert.True(proxy.Stat(ClusterStats.CheckFailure) >= 1);
    }

    [Fact]
    public async Task A_host_is_ill_until_its_first_check_passed()
    {
        using var upstream = new ScriptedUpstream((_, head) => head.StartsWith("GET /healthz ", StringComparison.Ordinal) ? null : ScriptedUpstream.Ok("ok"));
        await using var proxy = ClusterProxy.Start(App("http_health_check: {path: /healthz}", upstream.Port));
        Assert.Equal(503, (await proxy.GetAsync()).Status);
        await Eventually.TrueAsync(() => Task.FromResult(proxy.Stat(ClusterStats.CheckNetworkFailure) > 1));
        Assert.Equal(503, (await proxy.GetAsync()).Status);
    }

    [Fact]
    public async Task A_tcp_check_wants_the_bytes_that_it_was_told()
    {
        using var upstream = new ScriptedUpstream("unused");
        using var pong = new TcpListener(IPAddress.Loopback, 0);
        pong.Start();
        _ = AnswerAsync(pong);
        await using var proxy = ClusterProxy.Start(App($$"""alt_port: {{((IPEndPoint)pong.LocalEndpoint).Port}}, tcp_health_check: {send: {text: "50494e47"}, receive: [{text: "504f"}, {text: "4e47"}]}""", upstream.Port));
        await Eventually.TrueAsync(async () => (await proxy.GetAsync()).Status == 200);

        static async Task AnswerAsync(TcpListener listener)
        {
            try
            {
                while (true)
                {
                    using var socket = await listener.AcceptSocketAsync();
                    var buffer = new byte[16];
                    var read = await socket.ReceiveAsync(buffer);
                    if (buffer.AsSpan(0, read).SequenceEqual("PING"u8)) await socket.SendAsync("PONG"u8.ToArray());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }
    }

    [Fact]
    public void Pauses_follow_the_edges_and_the_traffic()
    {
        var times = new CheckTimes(1, 100) { NoTrafficMs = 60_000, NoTrafficHealthyMs = 30_000, UnhealthyMs = 200, UnhealthyEdgeMs = 50, HealthyEdgeMs = 70 };
        var random = new Random(1);
        Assert.Equal((100, 70), (times.Pause(true, false, true, random), times.Pause(true, true, true, random)));
        Assert.Equal((200, 50), (times.Pause(false, false, true, random), times.Pause(false, true, true, random)));
        Assert.Equal((30_000, 60_000), (times.Pause(true, false, false, random), times.Pause(false, false, false, random)));
        Assert.InRange((times with { JitterPercent = 10, JitterMs = 5 }).Pause(true, false, true, random), 100, 114);
    }

    [Theory]
    [InlineData("health_checks: [{timeout: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}]", "health_checks[0].interval")]
    [InlineData("health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: x}}]", "health_checks[0].http_health_check.path")]
    [InlineData("health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {send: {text: xy}}}]", "health_checks[0].tcp_health_check.send.text")]
    [InlineData("outlier_detection: {enforcing_success_rate: 101}", "outlier_detection.enforcing_success_rate")]
    [InlineData("outlier_detection: {interval: 0s}", "outlier_detection.interval")]
    public void What_cannot_be_honoured_is_refused_with_its_path(string yaml, string path) =>
        Assert.Equal(path, Assert.Throws<ConfigRefusedException>(() => ClusterCompilerTests.Compile($"{{name: c, {yaml}}}")).Path);
}
