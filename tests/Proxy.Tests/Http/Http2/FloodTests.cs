using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http2;

/// <summary>Row F of the hostile list: what is cheap to send and dear to serve.</summary>
public sealed class FloodTests
{
    private const string Direct = "- {match: {prefix: \"/\"}, direct_response: {status: 200, body: {inline_string: \"hello\"}}}";
    private const FrameFlags Whole = FrameFlags.EndHeaders | FrameFlags.EndStream;

    [Fact]
    public async Task Streams_that_are_reset_at_once_again_and_again_end_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendRawAsync([.. Enumerable.Range(0, 600).SelectMany(i => (byte[])[.. FrameClient.Frame(FrameType.Headers, Whole, 2 * i + 1, FrameClient.Get("/")), .. FrameClient.Frame(FrameType.RstStream, 0, 2 * i + 1, FrameClient.Number(8))])]);
        var end = await client.ReadEndAsync();
        while (end.StartsWith("RST", StringComparison.Ordinal)) end = await client.ReadEndAsync();
        Assert.Equal("GOAWAY EnhanceYourCalm", end);
        await StatIsAsync(proxy, "http.test.downstream_rq_too_many_premature_resets", 1);
    }

    [Fact]
    public async Task Pings_whose_answers_are_not_read_end_the_connection()
    {
        await using var proxy = TestProxy.Start(manager: "http2_protocol_options: {max_outbound_control_frames: 200}");
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        var pings = Enumerable.Range(0, 1000).SelectMany(_ => FrameClient.Frame(FrameType.Ping, 0, 0, new byte[8])).ToArray();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 4000; i++) await client.SendRawAsync(pings);
        }, TestContext.Current.CancellationToken);
        await StatIsAsync(proxy, "http2.outbound_control_flood", 1);
        client.Dispose();
        await sending.ContinueWith(_ => { }, TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    [Fact]
    public async Task Empty_frames_end_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders, 1, FrameClient.Get("/"));
        for (var i = 0; i < 3; i++) await client.SendAsync(FrameType.Data, 0, 1);
        Assert.Equal("GOAWAY EnhanceYourCalm", await client.ReadEndAsync());
        await StatIsAsync(proxy, "http2.inbound_empty_frames_flood", 1);
    }

    [Fact]
    public async Task Priorities_without_end_end_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendRawAsync([.. Enumerable.Range(0, 150).SelectMany(_ => FrameClient.Frame(FrameType.Priority, 0, 1, [0, 0, 0, 3, 1]))]);
        Assert.Equal("GOAWAY EnhanceYourCalm", await client.ReadEndAsync());
        await StatIsAsync(proxy, "http2.inbound_priority_frames_flood", 1);
    }

    [Fact]
    public async Task Window_updates_without_end_end_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendRawAsync([.. Enumerable.Range(0, 50).SelectMany(_ => FrameClient.Frame(FrameType.WindowUpdate, 0, 0, FrameClient.Number(1)))]);
        Assert.Equal("GOAWAY EnhanceYourCalm", await client.ReadEndAsync());
        await StatIsAsync(proxy, "http2.inbound_window_update_frames_flood", 1);
    }

    [Fact]
    public async Task A_head_of_endless_continuations_ends_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, 0, 1, FrameClient.Get("/"));
        var part = FrameClient.Frame(FrameType.Continuation, 0, 1, FrameClient.Block("x-a: " + new string('a', 8000)));
        for (var i = 0; i < 40; i++) await client.SendRawAsync(part);
        Assert.Equal("GOAWAY EnhanceYourCalm", await client.ReadEndAsync());
        await StatIsAsync(proxy, "http2.header_overflow", 1);
    }

    [Fact]
    public async Task A_head_of_tiny_continuations_ends_the_connection()
    {
        await using var proxy = TestProxy.Start();
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.SendAsync(FrameType.Headers, 0, 1, FrameClient.Get("/"));
        await client.SendRawAsync([.. Enumerable.Range(0, 200).SelectMany(_ => FrameClient.Frame(FrameType.Continuation, 0, 1, [0x82]))]);
        Assert.Equal("GOAWAY EnhanceYourCalm", await client.ReadEndAsync());
    }

    [Fact]
    public async Task A_small_block_that_unfolds_to_a_huge_head_is_answered_431()
    {
        await using var proxy = TestProxy.Start(Direct);
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        // One large field into the table (a literal with indexing), then named by one byte a thousand times.
        var value = new byte[3900];
        Array.Fill(value, (byte)'a');
        byte[] bomb = [.. FrameClient.Get("/"), 0x40, 1, (byte)'x', 0x7f, 0xbd, 0x1d, .. value, .. Enumerable.Repeat((byte)0xbe, 1000)];
        await client.SendAsync(FrameType.Headers, Whole, 1, bomb);
        Assert.Contains(":status: 431", (await client.ReadAnswerAsync(1)).Head);
        await client.GetAsync(3, "/");
        Assert.Contains(":status: 200", (await client.ReadAnswerAsync(3)).Head);
        await StatIsAsync(proxy, "http2.header_overflow", 1);
    }

    [Theory]
    [InlineData(101, 431)]
    [InlineData(100, 200)]
    public async Task More_than_a_hundred_headers_are_answered_431(int count, int status)
    {
        await using var proxy = TestProxy.Start(Direct);
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        await client.GetAsync(1, "/", [.. Enumerable.Range(0, count).Select(i => $"x-{i}: 1")]);
        Assert.Contains($":status: {status}", (await client.ReadAnswerAsync(1)).Head);
    }

    [Fact]
    public async Task Streams_past_the_limit_are_refused()
    {
        await using var proxy = TestProxy.Start(manager: "http2_protocol_options: {max_concurrent_streams: 2}");
        using var client = await FrameClient.ConnectAsync(proxy.Port);
        // In one piece: no stream can be answered, and so be over, before the third one comes.
        var head = FrameClient.Block(":method: POST", ":scheme: http", ":authority: a", ":path: /");
        await client.SendRawAsync([.. new[] { 1, 3, 5 }.SelectMany(stream => FrameClient.Frame(FrameType.Headers, FrameFlags.EndHeaders, stream, head))]);
        Assert.Equal("RST_STREAM RefusedStream", await client.ReadEndAsync());
        await StatIsAsync(proxy, "http2.stream_refused_errors", 1);
    }

    internal static async Task StatIsAsync(TestProxy proxy, string name, long value)
    {
        using var admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{proxy.AdminPort}") };
        await Eventually.TrueAsync(async () => (await admin.GetStringAsync("/stats", TestContext.Current.CancellationToken)).Contains($"{name}: {value}\n", StringComparison.Ordinal), TimeSpan.FromSeconds(30), $"{name} is {value}");
    }
}
