using System.Net.Sockets;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Upstreams that break the rules: the client gets one clear answer, and the connection never serves again (rows A15, A18, J1).</summary>
public sealed class HostileUpstreamTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// <summary>Milliseconds without a byte; every answer here ends with the connection.</summary>
    private const int Patience = 10_000;
    private const string Last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw")]
    [InlineData("220 mail.test ESMTP\r\n\r\n")]
    public async Task WhatIsNotHttpIs502(string answer)
    {
        using var upstream = ScriptedUpstream.Answering(answer);
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        Assert.StartsWith("HTTP/1.1 502 ", await proxy.SendAsync(Last, Patience));
        Assert.StartsWith("HTTP/1.1 502 ", await proxy.SendAsync(Last, Patience));
        Assert.Equal(2, upstream.Connections);
    }

    [Fact]
    public async Task AFloodOfInformationalAnswersEnds()
    {
        using var upstream = ScriptedUpstream.Answering(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 10_000)));
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        Assert.StartsWith("HTTP/1.1 502 ", await proxy.SendAsync(Last, Patience));
    }

    [Fact]
    public async Task AHeadWithoutEndIs502()
    {
        using var upstream = new ScriptedUpstream(async socket =>
        {
            await ScriptedUpstream.ReadHeadAsync(socket);
            await ScriptedUpstream.SendAsync(socket, "HTTP/1.1 200 OK\r\n");
            while (true) await ScriptedUpstream.SendAsync(socket, "X: " + new string('x', 8000) + "\r\n");
        });
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        Assert.StartsWith("HTTP/1.1 502 ", await proxy.SendAsync(Last, Patience));
    }

    /// <summary>Bytes behind a whole response are no response to anything: the next request goes elsewhere.</summary>
    [Fact]
    public async Task ASecondAnswerIsNotTheNextRequests()
    {
        using var upstream = ScriptedUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        for (var i = 0; i < 3; i++)
        {
            var answer = await proxy.SendAsync(Get + Last, Patience);
            Assert.DoesNotContain("poison", answer);
            Assert.Equal(3, answer.Split("HTTP/1.1 200").Length);
        }
        Assert.Equal(6, upstream.Connections);
    }

    /// <summary>A response that comes before any request ends the idle connection.</summary>
    [Fact]
    public async Task AnAnswerWithoutRequestEndsTheIdleConnection()
    {
        var release = new TaskCompletionSource();
        using var upstream = new ScriptedUpstream(async socket =>
        {
            await ScriptedUpstream.ReadHeadAsync(socket);
            await ScriptedUpstream.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            await release.Task;
            await ScriptedUpstream.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
            await ScriptedUpstream.ReadHeadAsync(socket);
        });
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        Assert.EndsWith("ok", await proxy.SendAsync(Last, Patience));
        release.SetResult();
        using var admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{proxy.AdminPort}") };
        await Eventually.TrueAsync(async () => (await admin.GetStringAsync("/stats", TestContext.Current.CancellationToken)).Contains("cluster.app.upstream_cx_active: 0\n", StringComparison.Ordinal));
        Assert.EndsWith("ok", await proxy.SendAsync(Last, Patience));
        Assert.Equal(2, upstream.Connections);
    }

    /// <summary>A body that ends early cuts the client's response where it is: nothing pretends that it was whole.</summary>
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n")]
    public async Task ABodyThatEndsEarlyIsCut(string answer)
    {
        using var upstream = new ScriptedUpstream(async socket =>
        {
            await ScriptedUpstream.ReadHeadAsync(socket);
            await ScriptedUpstream.SendAsync(socket, answer);
            socket.Shutdown(SocketShutdown.Send);
            await ScriptedUpstream.ReadHeadAsync(socket);
        });
        await using var proxy = TestProxy.Start(appPort: upstream.Port);
        var received = await proxy.SendAsync(Get + Last, Patience);
        Assert.Single(received.Split("HTTP/1.1 200").Skip(1));
        Assert.DoesNotContain("\r\n0\r\n", received);
        Assert.Contains("half", received);
    }

    [Fact]
    public async Task AnUpgradesBytesWaitForTheUpstreamsConsent()
    {
        var seen = new TaskCompletionSource<string>();
        using var upstream = new ScriptedUpstream(async socket =>
        {
            seen.SetResult(await ScriptedUpstream.ReadHeadAsync(socket));
            await ScriptedUpstream.SendAsync(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            await ScriptedUpstream.ReadHeadAsync(socket);
        });
        await using var proxy = TestProxy.Start(manager: "upgrade_configs: [{upgrade_type: websocket}]", appPort: upstream.Port);
        var answer = await proxy.SendAsync("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n", quietMs: 1000);
        Assert.DoesNotContain("/hidden", await seen.Task);
        Assert.StartsWith("HTTP/1.1 403 ", answer);
    }
}
