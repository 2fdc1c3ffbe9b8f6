using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Clients that take more than their share: limits answer, waits end, and memory does not follow what is sent (rows A12 to A15).</summary>
public sealed class HostileClientTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    public static TheoryData<string> LargeHeads() =>
    [
        "GET /" + new string('a', 64 * 1024) + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: 1\r\n")) + "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Range(0, 61).Select(i => $"X-{i}: {new string('v', 1024)}\r\n")) + "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Range(0, 80).Select(i => $"X-{i}: {new string('v', 1024)}\r\n")),
        new string('G', 70 * 1024),
    ];

    [Theory]
    [MemberData(nameof(LargeHeads))]
    public async Task AHeadBeyondTheLimitsIs431(string head)
    {
        await using var proxy = TestProxy.Start();
        Assert.StartsWith("HTTP/1.1 431 ", await proxy.SendAsync(head, quietMs: 10_000));
        Assert.Equal("", proxy.Upstream.Received);
    }

    /// <summary>A head that comes byte by byte must come in time, however busy the client looks.</summary>
    [Theory]
    [InlineData("request_headers_timeout: 0.4s")]
    [InlineData("stream_idle_timeout: 0.4s")]
    public async Task ASlowHeadIs408(string options)
    {
        await using var proxy = TestProxy.Start(manager: options);
        using var socket = await proxy.ConnectAsync();
        var answer = ReadAllAsync(socket);
        for (var i = 0; !answer.IsCompleted && i < 200; i++)
        {
            try
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(Get[(i % 10)..(i % 10 + 1)]));
            }
            catch (SocketException)
            {
                break;
            }
            await Task.WhenAny(answer, Task.Delay(50, TestContext.Current.CancellationToken));
        }
        Assert.StartsWith("HTTP/1.1 408 ", await answer);
    }

    /// <summary>A thousand pipelined requests whose answers nobody reads hold one buffer each way, not a thousand; a bad one ends it.</summary>
    [Fact]
    public async Task PipelinedRequestsWithoutReadingAreBounded()
    {
        await using var proxy = TestProxy.Start();
        using var socket = await proxy.ConnectAsync();
        var flood = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Get, 1000)) + "BAD\r\n\r\n" + string.Concat(Enumerable.Repeat(Get, 1000)));
        var sending = socket.SendAsync(flood);
        await Eventually.TrueAsync(() => proxy.Upstream.Heads >= 100);
        Assert.InRange(await proxy.Worker.AskAsync(() => proxy.Worker.Buffers.InUse), 0, 6);
        var answer = await ReadAllAsync(socket);
        await Task.WhenAny(sending);
        Assert.Equal(1000, answer.Split("HTTP/1.1 200").Length - 1);
        Assert.Contains("HTTP/1.1 400 ", answer);
        Assert.Equal(1000, proxy.Upstream.Heads);
    }

    /// <summary>One-byte chunks towards an upstream that does not read: what is held is a few buffers (CVE-2020-8659).</summary>
    [Fact]
    public async Task TinyChunksToASlowUpstreamAreBounded()
    {
        var blocked = new TaskCompletionSource();
        using var upstream = new ScriptedUpstream(async _ => await blocked.Task);
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        using var socket = await proxy.ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
        await FillAsync(socket, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("1\r\nx\r\n", 2000))));
        Assert.InRange(await proxy.Worker.AskAsync(() => proxy.Worker.Buffers.InUse), 0, 6);
        blocked.SetResult();
    }

    /// <summary>A large answer to a client that does not read stays at the upstream.</summary>
    [Fact]
    public async Task ASlowReaderHoldsAFewBuffers()
    {
        var sent = 0L;
        using var upstream = new ScriptedUpstream(async socket =>
        {
            await ScriptedUpstream.ReadHeadAsync(socket);
            await ScriptedUpstream.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            var piece = new byte[64 * 1024];
            while (true) Interlocked.Add(ref sent, await socket.SendAsync(piece));
        });
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        using var socket = await proxy.ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Get));
        var last = -1L;
        await Eventually.TrueAsync(() => Interlocked.Exchange(ref last, Interlocked.Read(ref sent)) == Interlocked.Read(ref sent) && Interlocked.Read(ref sent) > 0);
        Assert.InRange(await proxy.Worker.AskAsync(() => proxy.Worker.Buffers.InUse), 0, 6);
    }

    /// <summary>Connections that do nothing, before their first request and after it, hold no buffer.</summary>
    [Fact]
    public async Task IdleConnectionsHoldNoBuffer()
    {
        await using var proxy = TestProxy.Start();
        var sockets = new List<Socket>();
        for (var i = 0; i < 100; i++) sockets.Add(await proxy.ConnectAsync());
        foreach (var socket in sockets.Take(50))
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(Get));
            await socket.ReceiveAsync(new byte[4096]);
        }
        await Eventually.TrueAsync(async () => await proxy.Worker.AskAsync(() => proxy.Worker.Buffers.InUse) == 0);
        foreach (var socket in sockets) socket.Dispose();
    }

    [Fact]
    public async Task AContinueIsSentOnceAndOnlyWhenTheBodyIsWanted()
    {
        await using var proxy = TestProxy.Start();
        const string Head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
        using var socket = await proxy.ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Head));
        var buffer = new byte[4096];
        var read = await socket.ReceiveAsync(buffer);
        Assert.StartsWith("HTTP/1.1 100 Continue\r\n\r\n", Encoding.ASCII.GetString(buffer, 0, read));
        Assert.DoesNotContain("100 Continue", Encoding.ASCII.GetString(buffer, 20, read - 20));
        // The body is there already: nobody is asked to go on.
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.SendAsync(Head.Replace("Host: a", "Host: a\r\nConnection: close", StringComparison.Ordinal) + "ok", quietMs: 10_000));
        Assert.DoesNotContain("\r\nexpect:", proxy.Upstream.Received, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> ReadAllAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;) text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (SocketException)
        {
            // Reset: what came before counts.
        }
        return text.ToString();
    }

    /// <summary>Sends the same bytes over and over until nobody takes any more.</summary>
    private static async Task FillAsync(Socket socket, byte[] bytes)
    {
        while (true)
        {
            var sending = socket.SendAsync(bytes);
            if (await Task.WhenAny(sending, Task.Delay(400, TestContext.Current.CancellationToken)) != sending) return;
        }
    }
}
