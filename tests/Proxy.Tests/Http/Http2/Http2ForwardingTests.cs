using System.Text;
using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http2;

public sealed class Http2ForwardingTests
{
    private const FrameFlags Whole = FrameFlags.EndHeaders | FrameFlags.EndStream;
    private const string TrailersAllowed = "http_protocol_options: {enable_trailers: true}";

    [Fact]
    public async Task A_request_goes_to_an_http1_upstream_and_its_answer_back()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.GetAsync(1, "/a?b=c", "x-one: 1", "cookie: a=b", "cookie: c=d", "te: trailers");
        var (head, body, _) = await client.ReadAnswerAsync(1);
        Assert.Equal((":status: 200", "ok"), (head[0], Encoding.ASCII.GetString(body)));
        Assert.StartsWith("GET /a?b=c HTTP/1.1\r\nhost: a\r\n", proxy.Upstream.Received);
        Assert.Contains("cookie: a=b; c=d\r\n", proxy.Upstream.Received);
        Assert.Contains("te: trailers\r\n", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_body_of_unknown_length_becomes_chunks_with_trailers()
    {
        await using var proxy = TestProxy.Start(cluster: TrailersAllowed);
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Block(":method: POST", ":scheme: http", ":authority: a", ":path: /"));
        await client.SendAsync(FrameType.Data, FrameFlags.None, 1, "hello"u8.ToArray());
        await client.SendAsync(FrameType.Headers, Whole, 1, FrameClient.Block("x-sum: 5"));
        await client.ReadAnswerAsync(1);
        Assert.Contains("transfer-encoding: chunked\r\n", proxy.Upstream.Received);
        Assert.EndsWith("5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Trailers_of_an_http1_response_come_behind_the_body()
    {
        await using var proxy = TestProxy.Start(cluster: TrailersAllowed);
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.GetAsync(1, "/trailers");
        var (_, body, trailers) = await client.ReadAnswerAsync(1);
        Assert.Equal("ok", Encoding.ASCII.GetString(body));
        Assert.Equal(["x-sum: 17", "x-more: yes"], trailers);
    }

    [Fact]
    public async Task Expect_is_answered_before_the_body_comes()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Block(":method: POST", ":scheme: http", ":authority: a", ":path: /", "content-length: 2", "expect: 100-continue"));
        var first = await client.ReadUntilAsync(FrameType.Headers);
        Assert.EndsWith("100", Encoding.ASCII.GetString(first!.Value.Payload));
        Assert.False(first.Value.Head.Has(FrameFlags.EndStream));
        await client.SendAsync(FrameType.Data, FrameFlags.EndStream, 1, "hi"u8.ToArray());
        Assert.Contains(":status: 200", (await client.ReadAnswerAsync(1)).Head);
    }

    [Theory]
    [InlineData("X-Upper: 1")]
    [InlineData("connection: close")]
    [InlineData("keep-alive: 1")]
    [InlineData("proxy-connection: keep-alive")]
    [InlineData("transfer-encoding: chunked")]
    [InlineData("upgrade: websocket")]
    [InlineData("te: gzip")]
    [InlineData(":late: 1")]
    [InlineData(":path: /twice")]
    [InlineData("x-bad: a\r\nevil: 1")]
    [InlineData("x-bad: \0")]
    [InlineData("x bad: 1")]
    [InlineData("content-length: 5")]
    [InlineData("content-length: -1")]
    [InlineData("host: other")]
    public async Task A_malformed_request_ends_its_stream_alone(string field)
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.GetAsync(1, "/evil", field);
        Assert.Equal("RST_STREAM ProtocolError", await client.ReadEndAsync());
        await client.GetAsync(3, "/good");
        Assert.Contains(":status: 200", (await client.ReadAnswerAsync(3)).Head);
        Assert.DoesNotContain("evil", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_body_that_is_longer_than_announced_never_reaches_the_upstream_whole()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Block(":method: POST", ":scheme: http", ":authority: a", ":path: /", "content-length: 3"));
        await client.SendAsync(FrameType.Data, FrameFlags.EndStream, 1, "abcGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"u8.ToArray());
        Assert.Equal("RST_STREAM ProtocolError", await client.ReadEndAsync());
        Assert.DoesNotContain("smuggled", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_sent_no_more_than_its_window()
    {
        await using var proxy = TestProxy.Start("- {match: {prefix: \"/\"}, direct_response: {status: 200, body: {inline_string: \"" + new string('x', 4000) + "\"}}}");
        using var client = await FrameClient.ConnectAsync(proxy.Port, (SettingId.InitialWindowSize, 1000));
        await client.GetAsync(1, "/");
        var data = await client.ReadUntilAsync(FrameType.Data);
        Assert.Equal(1000, data!.Value.Head.Length);
        await client.SendAsync(FrameType.WindowUpdate, 0, 1, FrameClient.Number(2000));
        Assert.Equal(2000, (await client.ReadUntilAsync(FrameType.Data))!.Value.Head.Length);
        await client.SendAsync(FrameType.WindowUpdate, 0, 1, FrameClient.Number(2000));
        var (_, rest, _) = await client.ReadAnswerAsync(1);
        Assert.Equal(1000, rest.Length);
    }

    [Fact]
    public async Task A_client_may_not_send_more_than_the_window()
    {
        await using var proxy = TestProxy.Start(filters: """
            - name: fault
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
                delay: {fixed_delay: 60s, percentage: {numerator: 100}}
            """);
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Block(":method: POST", ":scheme: http", ":authority: a", ":path: /"));
        for (var i = 0; i < 5; i++) await client.SendAsync(FrameType.Data, FrameFlags.None, 1, new byte[16384]);
        Assert.Equal("RST_STREAM FlowControlError", await client.ReadEndAsync());
    }

    [Fact]
    public async Task A_connection_that_has_served_enough_is_left_in_two_steps()
    {
        await using var proxy = TestProxy.Start(manager: "common_http_protocol_options: {max_requests_per_connection: 1}");
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.GetAsync(1, "/one");
        var first = await client.ReadUntilAsync(FrameType.GoAway);
        Assert.Equal(int.MaxValue, Frames.ReadStream(first!.Value.Payload));
        // A request that was on its way when the news came is still served.
        await client.GetAsync(3, "/two");
        var ping = await client.ReadUntilAsync(FrameType.Ping);
        await client.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, ping!.Value.Payload);
        (FrameHeader Head, byte[] Payload)? last = null;
        var answers = 0;
        while (await client.ReadAsync() is { } frame)
        {
            if (frame.Head.Type == FrameType.GoAway) last = frame;
            if (frame.Head.Type == FrameType.Headers) answers++;
        }
        Assert.Equal(3, Frames.ReadStream(last!.Value.Payload));
        Assert.Contains("GET /two", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_websocket_over_connect_reaches_an_http1_upstream_as_an_upgrade()
    {
        await using var proxy = TestProxy.Start(manager: "http2_protocol_options: {allow_connect: true}\nupgrade_configs: [{upgrade_type: websocket}]");
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Block(":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a", ":path: /chat"));
        // The recording upstream declines: what matters is how it was asked.
        await client.ReadUntilAsync(FrameType.Headers);
        Assert.StartsWith("GET /chat HTTP/1.1\r\n", proxy.Upstream.Received);
        Assert.Contains("upgrade: websocket\r\n", proxy.Upstream.Received);
        Assert.Contains("connection: upgrade\r\n", proxy.Upstream.Received);
    }
}
