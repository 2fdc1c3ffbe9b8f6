using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.Router;
using Lateen.Proxy.Stats;
using Xunit;
using static Lateen.Proxy.Tests.Upstream.ScriptedUpstream;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class RetryTests
{
    private static ClusterProxy Start(string policy, ScriptedUpstream upstream, string cluster = "", string action = "") => ClusterProxy.Start(
        $$"""- {name: app, connect_timeout: 1s, {{cluster}} load_assignment: {{ClusterProxy.Endpoints(upstream.Port)}} }""",
        $$"""- {match: {prefix: /}, route: {cluster: app, {{action}} retry_policy: { {{policy}} } } }""");

    /// <summary>An upstream whose first answer is this and whose second is well.</summary>
    private static ScriptedUpstream Second(string? first) => new((number, _) => number == 1 ? first : Ok("second"));

    [Theory]
    [InlineData("retry_on: 5xx", "500", "", true)]
    [InlineData("retry_on: gateway-error", "500", "", false)]
    [InlineData("retry_on: gateway-error", "503", "", true)]
    [InlineData("retry_on: retriable-4xx", "409", "", true)]
    [InlineData("retry_on: retriable-4xx", "404", "", false)]
    [InlineData("retry_on: retriable-status-codes, retriable_status_codes: [418]", "418", "", true)]
    [InlineData("retry_on: retriable-status-codes, retriable_status_codes: [418]", "419", "", false)]
    [InlineData("retry_on: retriable-headers, retriable_headers: [{name: x-again}]", "200", "x-again: 1\r\n", true)]
    [InlineData("retry_on: \"5xx,envoy-ratelimited\"", "429", "x-envoy-ratelimited: true\r\n", true)]
    [InlineData("retry_on: 5xx", "503", "x-envoy-ratelimited: true\r\n", false)]
    [InlineData("retry_on: 5xx", "503", "x-envoy-overloaded: true\r\n", false)]
    [InlineData("retry_on: unavailable", "200", "grpc-status: 14\r\n", true)]
    [InlineData("retry_on: \"cancelled,internal\"", "200", "grpc-status: 14\r\n", false)]
    [InlineData("retry_on: 5xx, num_retries: 0", "500", "", false)]
    [InlineData("retry_on: 5xx, retriable_request_headers: [{name: x-idempotent}]", "500", "", false)]
    public async Task An_answer_is_retried_when_the_policy_says_so(string policy, string status, string headers, bool again)
    {
        using var upstream = Second(Status(int.Parse(status), "first", headers));
        await using var proxy = Start(policy, upstream);
        Assert.Equal(again ? "second" : "first", (await proxy.GetAsync()).Body);
        Assert.Equal(again ? 1 : 0, proxy.Stat(ClusterStats.RqRetry));
    }

    [Theory]
    [InlineData("reset", true)]
    [InlineData("5xx", true)]
    [InlineData("gateway-error", true)]
    [InlineData("connect-failure", false)]
    [InlineData("reset-before-request", false)]
    public async Task A_broken_connection_is_retried_when_the_policy_says_so(string on, bool again)
    {
        using var upstream = Second(null);
        await using var proxy = Start($"retry_on: {on}", upstream);
        Assert.Equal(again ? 200 : 503, (await proxy.GetAsync()).Status);
    }

    [Theory]
    [InlineData("connect-failure", 2)]
    [InlineData("reset-before-request", 2)]
    [InlineData("retriable-4xx", 0)]
    public async Task A_refused_connection_is_retried_when_the_policy_says_so(string on, int retries)
    {
        await using var proxy = ClusterProxy.Start(
            $$"""- {name: app, connect_timeout: 1s, load_assignment: {{ClusterProxy.Endpoints(1)}} }""",
            $$"""- {match: {prefix: /}, route: {cluster: app, retry_policy: {retry_on: "{{on}}", num_retries: 2} } }""");
        Assert.Equal(503, (await proxy.GetAsync()).Status);
        Assert.Equal(retries, proxy.Stat(ClusterStats.RqRetry));
        Assert.Equal(retries > 0 ? 1 : 0, proxy.Stat(ClusterStats.RqRetryLimitExceeded));
    }

    [Fact]
    public async Task The_virtual_hosts_policy_serves_routes_without_one()
    {
        using var upstream = Second(Status(500));
        await using var proxy = ClusterProxy.Start($$"""- {name: app, load_assignment: {{ClusterProxy.Endpoints(upstream.Port)}} }""", virtualHost: "retry_policy: {retry_on: 5xx}");
        Assert.Equal((200, "second"), await proxy.GetAsync());
    }

    [Fact]
    public async Task A_retry_goes_to_another_host()
    {
        using var bad = new ScriptedUpstream((_, _) => Status(503));
        using var good = new ScriptedUpstream("good");
        await using var proxy = ClusterProxy.Start(
            $$"""- {name: app, load_assignment: {{ClusterProxy.Endpoints(bad.Port, good.Port)}} }""",
            """
            - match: {prefix: /}
              route:
                cluster: app
                retry_policy:
                  retry_on: 5xx
                  host_selection_retry_max_attempts: 5
                  retry_host_predicate: [{name: p, typed_config: {"@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}]
            """);
        for (var i = 0; i < 6; i++) Assert.Equal((200, "good"), await proxy.GetAsync());
    }

    [Fact]
    public async Task An_attempt_that_takes_too_long_is_retried()
    {
        using var upstream = new ScriptedUpstream((number, _) => number == 1 ? "" : Ok("second"));
        await using var proxy = Start("retry_on: 5xx, per_try_timeout: 0.1s", upstream);
        Assert.Equal((200, "second"), await proxy.GetAsync());
        Assert.Equal(1, proxy.Stat(ClusterStats.RqPerTryTimeout));
    }

    [Fact]
    public async Task Silence_within_an_answer_ends_the_attempt()
    {
        using var upstream = new ScriptedUpstream((_, _) => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
        await using var proxy = Start("retry_on: 5xx, per_try_idle_timeout: 0.1s", upstream);
        await Assert.ThrowsAsync<HttpRequestException>(() => proxy.GetAsync());
    }

    [Fact]
    public async Task A_body_is_sent_again_with_the_retry()
    {
        using var upstream = Second(Status(503));
        await using var proxy = Start("retry_on: 5xx", upstream);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", proxy.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody"), TestContext.Current.CancellationToken);
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        Assert.EndsWith("second", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, upstream.Heads.Length);
    }

    [Fact]
    public async Task A_rate_limited_answer_says_how_long_to_wait()
    {
        using var upstream = Second(Status(429, "", "retry-after: 1\r\n"));
        await using var proxy = Start("retry_on: retriable-status-codes, retriable_status_codes: [429], rate_limited_retry_back_off: {reset_headers: [{name: Retry-After}]}", upstream, action: "timeout: 5s,");
        var started = Stopwatch.GetTimestamp();
        Assert.Equal((200, "second"), await proxy.GetAsync());
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 950, 4000);
        Assert.Equal(1, proxy.Stat(ClusterStats.RqRetryBackoffRateLimited));
    }

    [Fact]
    public async Task Without_a_retry_left_in_the_cluster_there_is_none()
    {
        using var upstream = Second(Status(500, "first"));
        await using var proxy = Start("retry_on: 5xx", upstream, "circuit_breakers: {thresholds: [{max_retries: 0}]},");
        Assert.Equal((500, "first"), await proxy.GetAsync());
        Assert.Equal(1, proxy.Stat(ClusterStats.RqRetryOverflow));
    }

    [Fact]
    public async Task Headers_of_an_outer_client_do_not_decide()
    {
        using var upstream = Second(Status(500, "first"));
        await using var proxy = ClusterProxy.Start($$"""- {name: app, load_assignment: {{ClusterProxy.Endpoints(upstream.Port)}} }""");
        Assert.Equal((500, "first"), await proxy.GetAsync("/", ("x-envoy-retry-on", "5xx"), ("x-envoy-upstream-rq-timeout-ms", "1")));
        Assert.DoesNotContain("x-envoy-retry-on", upstream.Heads[0]);
    }

    [Theory]
    [InlineData("400m", 400)]
    [InlineData("2S", 2000)]
    [InlineData("1H", 3_600_000)]
    [InlineData("1500u", 2)]
    [InlineData("100n", 1)]
    [InlineData("5x", null)]
    [InlineData("m", null)]
    [InlineData("-5m", null)]
    [InlineData("1234567890m", null)]
    public void A_grpc_timeout_is_read_as_milliseconds(string text, int? expected) => Assert.Equal(expected, GrpcTimeout.Parse(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("retry_policy: {retry_on: 5xx, retry_host_predicate: [{name: mine}]}", "virtual_hosts[0].routes[0].route.retry_policy.retry_host_predicate[0]")]
    [InlineData("retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 1s, max_interval: 0.5s}}", "virtual_hosts[0].routes[0].route.retry_policy.retry_back_off.max_interval")]
    [InlineData("hedge_policy: {hedge_on_per_try_timeout: true}", "virtual_hosts[0].routes[0].route.hedge_policy.hedge_on_per_try_timeout")]
    public void What_cannot_be_honoured_is_refused_with_its_path(string action, string path) =>
        Assert.Equal(path, Assert.Throws<ConfigRefusedException>(() => RouteYaml.Compile($"- {{match: {{prefix: /}}, route: {{cluster: app, {action}}}}}")).Path);
}
