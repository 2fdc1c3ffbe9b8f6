using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The buffer filter, through a running proxy.</summary>
public sealed class BufferTests
{
    private const string Filter = """
        - name: buffer
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 20}
        """;

    [Fact]
    public async Task A_chunked_body_arrives_whole_and_with_its_length()
    {
        await using var proxy = TestProxy.Start(filters: Filter);
        using var socket = await proxy.ConnectAsync();
        await socket.SendAsync("POST /after-body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => await proxy.StatAsync("http.test.downstream_rq_active") == 1);
        Assert.Equal(0, proxy.Upstream.Heads);
        await socket.SendAsync("6\r\n world\r\n0\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => proxy.Upstream.Received.EndsWith("\r\n\r\nhello world", StringComparison.Ordinal));
        Assert.Contains("content-length: 11\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("transfer-encoding", proxy.Upstream.Received);
    }

    [Theory]
    [InlineData("Content-Length: 21\r\n", "123456789012345678901")]
    [InlineData("Transfer-Encoding: chunked\r\n", "15\r\n123456789012345678901\r\n0\r\n\r\n")]
    public async Task A_body_that_is_too_large_is_refused(string framing, string body)
    {
        await using var proxy = TestProxy.Start(filters: Filter);
        var answer = await proxy.SendAsync($"POST / HTTP/1.1\r\nHost: a\r\n{framing}Connection: close\r\n\r\n{body}");
        Assert.StartsWith("HTTP/1.1 413 Payload Too Large\r\n", answer);
        Assert.EndsWith("\r\n\r\nPayload Too Large", answer);
        Assert.Equal(0, proxy.Upstream.Heads);
    }

    [Fact]
    public async Task A_client_that_goes_away_meanwhile_gets_nothing_and_breaks_nothing()
    {
        await using var proxy = TestProxy.Start(filters: Filter);
        using (var socket = await proxy.ConnectAsync())
        {
            await socket.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel"u8.ToArray(), TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(async () => await proxy.StatAsync("http.test.downstream_rq_active") == 1);
        }
        await Eventually.TrueAsync(async () => await proxy.StatAsync("http.test.downstream_rq_active") == 0);
        Assert.Equal(1, await proxy.StatAsync("http.test.downstream_rq_rx_reset"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"));
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_answered_when_the_stream_has_been_idle_too_long()
    {
        await using var proxy = TestProxy.Start(filters: Filter, manager: "stream_idle_timeout: 0.2s");
        Assert.StartsWith("HTTP/1.1 408", await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhel"));
        Assert.Equal(0, proxy.Upstream.Heads);
    }

    [Fact]
    public async Task A_route_may_have_another_limit_or_none()
    {
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/small"}
              route: {cluster: app}
              typed_per_filter_config:
                buffer: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, buffer: {max_request_bytes: 1} }
            - match: {prefix: "/"}
              route: {cluster: app}
              typed_per_filter_config:
                buffer: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: true}
            """,
            Filter);
        Assert.StartsWith("HTTP/1.1 413", await proxy.SendAsync("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nConnection: close\r\n\r\n{new string('x', 30)}"));
    }
}
