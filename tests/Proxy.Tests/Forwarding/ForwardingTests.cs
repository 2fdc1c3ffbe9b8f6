using System.Diagnostics;
using System.Net;
using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class ForwardingTests
{
    [Fact]
    public async Task ARequestGoesThroughAndComesBack()
    {
        await using var proxy = TestProxy.Start();
        var answer = await proxy.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\nX-Mine: 1\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
        Assert.EndsWith("\r\n\r\nok", answer);
        Assert.Contains("server: envoy", answer);
        Assert.Contains("x-envoy-upstream-service-time: ", answer);
        Assert.StartsWith("GET /x HTTP/1.1\r\nhost: a\r\nx-mine: 1\r\n", proxy.Upstream.Received);
        Assert.Contains("x-request-id: ", proxy.Upstream.Received);
        Assert.Contains("x-forwarded-proto: http", proxy.Upstream.Received);
    }

    /// <summary>Whatever length and coding say, the upstream never sees a second request (rows A1 to A9).</summary>
    [Theory]
    [InlineData("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 4", "1\r\nZ\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Content-Length: 0\r\nContent-Length: 44", "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: xchunked", "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding : chunked", "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked", "0;\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhelloGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked", "0\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n")]
    public async Task NoSecondRequestIsSmuggled(string headers, string rest)
    {
        await using var proxy = TestProxy.Start();
        var answer = await proxy.SendAsync($"POST /first HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{rest}");
        Assert.DoesNotContain("/evil", proxy.Upstream.Received);
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 501", StringComparison.Ordinal), answer);
    }

    [Fact]
    public async Task WhatConnectionNamesStaysOnThisHop()
    {
        await using var proxy = TestProxy.Start();
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Hop: secret\r\nX-Kept: 1\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: keep-alive, X-Hop , x-forwarded-for\r\n\r\n"));
        Assert.DoesNotContain("secret", proxy.Upstream.Received);
        Assert.Contains("x-kept: 1", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("9.9.9.9", proxy.Upstream.Received);
    }

    [Fact]
    public async Task PipelinedRequestsAreAnsweredInOrder()
    {
        await using var proxy = TestProxy.Start();
        var answer = await proxy.SendAsync(string.Concat(Enumerable.Range(200, 5).Select(status => $"GET /status/{status} HTTP/1.1\r\nHost: a\r\n\r\n")));
        Assert.Equal(["200", "201", "202", "203", "204"], answer.Split("HTTP/1.1 ").Skip(1).Select(part => part[..3]));
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n", 403)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    public async Task WhatIsRefusedGetsEnvoysStatus(string request, int status)
    {
        await using var proxy = TestProxy.Start();
        Assert.StartsWith($"HTTP/1.1 {status} ", await proxy.SendAsync(request));
        Assert.Equal("", proxy.Upstream.Received);
    }

    [Fact]
    public async Task RoutesDoWhatTheySay()
    {
        await using var proxy = TestProxy.Start("""
            - {match: {path: "/direct"}, direct_response: {status: 418, body: {inline_string: "short"}}}
            - {match: {path: "/old"}, redirect: {path_redirect: "/new", response_code: FOUND}}
            - {match: {prefix: "/nowhere"}, route: {cluster: absent}}
            - {match: {prefix: "/dead"}, route: {cluster: dead, retry_policy: {retry_on: connect-failure, num_retries: 2}}}
            - {match: {prefix: "/cut/"}, route: {cluster: app, prefix_rewrite: "/"}}
            - {match: {prefix: "/", headers: [{name: end-user, string_match: {exact: jason}}]}, direct_response: {status: 299}}
            - {match: {prefix: "/only"}, route: {cluster: app}}
            """);
        using var client = proxy.Client();
        Assert.Equal((418, "short"), await GetAsync(client, "/direct"));
        using (var redirect = await client.GetAsync("/old", TestContext.Current.CancellationToken))
            Assert.Equal((HttpStatusCode.Found, $"http://127.0.0.1:{proxy.Port}/new"), (redirect.StatusCode, redirect.Headers.Location!.ToString()));
        Assert.Equal((503, ""), await GetAsync(client, "/nowhere"));
        var (status, body) = await GetAsync(client, "/dead");
        Assert.Equal(503, status);
        Assert.Equal("upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure", body);
        Assert.Equal((200, "ok"), await GetAsync(client, "/cut/off"));
        Assert.Contains("GET /off HTTP/1.1", proxy.Upstream.Received);
        Assert.Equal((404, ""), await GetAsync(client, "/none"));
        client.DefaultRequestHeaders.Add("end-user", "jason");
        Assert.Equal((299, ""), await GetAsync(client, "/none"));
    }

    [Fact]
    public async Task FaultsDelayAndAbort()
    {
        await using var proxy = TestProxy.Start(filters: """
            - name: fault
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
                delay: {fixed_delay: 0.2s, percentage: {numerator: 100}}
                abort: {http_status: 555, percentage: {numerator: 100}}
            """);
        using var client = proxy.Client();
        var started = Stopwatch.GetTimestamp();
        Assert.Equal((555, "fault filter abort"), await GetAsync(client, "/"));
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(190));
        Assert.Equal("", proxy.Upstream.Received);
    }

    [Fact]
    public async Task AnUpstreamThatClosesIs503()
    {
        await using var proxy = TestProxy.Start();
        using var client = proxy.Client();
        var (status, body) = await GetAsync(client, "/close");
        Assert.Equal(503, status);
        Assert.Contains("connection termination", body);
    }

    [Fact]
    public async Task TheAdminPagesAnswer()
    {
        await using var proxy = TestProxy.Start();
        using var client = proxy.Client();
        await GetAsync(client, "/");
        using var admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{proxy.AdminPort}") };
        Assert.Equal("LIVE\n", await admin.GetStringAsync("/ready", TestContext.Current.CancellationToken));
        Assert.Contains("cluster.app.upstream_rq_2xx: 1\n", await admin.GetStringAsync("/stats", TestContext.Current.CancellationToken));
        Assert.Contains("envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"app\"} 1", await admin.GetStringAsync("/stats/prometheus", TestContext.Current.CancellationToken));
        Assert.Contains("\"static_clusters\"", await admin.GetStringAsync("/config_dump", TestContext.Current.CancellationToken));
    }

    private static async Task<(int Status, string Body)> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
