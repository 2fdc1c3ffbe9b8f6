using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>
/// Requests that two parsers could cut at different places, sent through a running proxy: whatever the proxy makes of them, its
/// upstream never sees the request that is hidden in them (hostile rows A1 to A11).
/// </summary>
public sealed class SmugglingTests(SmugglingTests.Running running) : IClassFixture<SmugglingTests.Running>
{
    private const string Hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    private const string AsChunk = "22\r\n" + Hidden + "\r\n0\r\n\r\n";

    /// <summary>One proxy for all cases: each connects anew and has a path of its own.</summary>
    public sealed class Running : IAsyncDisposable
    {
        internal TestProxy Proxy { get; } = TestProxy.Start();

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }

    /// <summary>Framing headers that are in doubt, with a body that hides a request under one reading or the other.</summary>
    [Theory]
    // Both, in either order and dress.
    [InlineData("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\n" + Hidden)]
    [InlineData("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("content-length: 4\r\nTRANSFER-ENCODING: CHUNKED", AsChunk)]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: identity", AsChunk)]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: x", AsChunk)]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding:", AsChunk)]
    // Codings that one side may not see as chunked.
    [InlineData("Transfer-Encoding: xchunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunkedx", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: x", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding:\u000bchunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding:\u000cchunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked\u000b", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: \"chunked\"", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: 'chunked'", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked;q=1", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked, identity", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: identity, chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: gzip, chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked, chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: ,chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked,", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding : chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding\t: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData(" Transfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding\u000b: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer\u0000-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chun\u0000ked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding:\r\n chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("X: y\r\n\tTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("X: y\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("X: y\n\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("X Transfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding chunked", "0\r\n\r\n" + Hidden)]
    // Lengths.
    [InlineData("Content-Length: 0\r\nContent-Length: 34", Hidden)]
    [InlineData("Content-Length: 34\r\nContent-Length: 0", Hidden)]
    [InlineData("Content-Length: 0\r\nContent-Length: 0", Hidden)]
    [InlineData("Content-Length: +34", Hidden)]
    [InlineData("Content-Length: -1", Hidden)]
    [InlineData("Content-Length: -0", Hidden)]
    [InlineData("Content-Length: 0x22", Hidden)]
    [InlineData("Content-Length: 3 4", Hidden)]
    [InlineData("Content-Length: 34, 34", Hidden)]
    [InlineData("Content-Length: 0,34", Hidden)]
    [InlineData("Content-Length: 34.0", Hidden)]
    [InlineData("Content-Length: 3e1", Hidden)]
    [InlineData("Content-Length: 18446744073709551616", Hidden)]
    [InlineData("Content-Length: 9223372036854775808", Hidden)]
    [InlineData("Content-Length: 00000000000000000000000000000000000", Hidden)]
    [InlineData("Content-Length: \u00b2", Hidden)]
    [InlineData("Content-Length:", Hidden)]
    [InlineData("Content-Length : 0", Hidden)]
    [InlineData("Content-Length: 0\u0000", Hidden)]
    [InlineData("Content-Length\r\n: 0", Hidden)]
    [InlineData("Content-Length:\r\n 0", Hidden)]
    // Chunks.
    [InlineData("Transfer-Encoding: chunked", "0\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0\n\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0\r\r" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0;\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0;a\r" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "2;\nxx\r\n0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "2;\"\r\nxx\"\n0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello\n0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "-1\r\nx\r\n0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "+0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0x0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", " 0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0 \r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "10000000000000000\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "0_0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "\r\n0\r\n\r\n" + Hidden)]
    [InlineData("Transfer-Encoding: chunked", "g\r\n\r\n" + Hidden)]
    public async Task TheHiddenRequestNeverArrives(string headers, string rest)
    {
        var answer = await SendAsync($"POST /doubtful HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{rest}");
        Assert.DoesNotContain("/hidden", Received());
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 501", StringComparison.Ordinal), answer);
        Assert.True(answer.Split("HTTP/1.1 ").Length <= 2, answer);
    }

    /// <summary>Heads that are refused as a whole: nothing of them reaches the upstream.</summary>
    [Theory]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a, b\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a@b\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a/b\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a b\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost : a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET http://u@a/case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http:///case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET file:///case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /a b/case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET\t/case HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case\u0000 HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\u0000\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX\u0000: 1\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX: 1\u0000\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX: \u007f\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\n Host: a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\n\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case HTTP/1.1\r\nHost: a\r\nX: \u00e9\r\nY\u00e9: 1\r\n\r\n", 400)]
    [InlineData("POST /case HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 426)]
    [InlineData("GET /case HTTP/1.1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /case http/1.1\r\nHost: a\r\n\r\n", 400)]
    public async Task WhatIsBrokenIsAnsweredOnceAndGoesNowhere(string head, int status)
    {
        var answer = await SendAsync(head + Hidden);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Equal(2, answer.Split("HTTP/1.1 ").Length);
        Assert.DoesNotContain("/case", Received());
        Assert.DoesNotContain("/hidden", Received());
    }

    /// <summary>Routing, policy and upstream see one authority: that of the absolute target.</summary>
    [Fact]
    public async Task AnAbsoluteTargetsAuthorityIsTheOnlyOne()
    {
        Assert.StartsWith("HTTP/1.1 200 ", await SendAsync("GET http://Inner.test:81/absolute HTTP/1.1\r\nHost: outer.test\r\nConnection: close\r\n\r\n"));
        Assert.Contains("GET /absolute HTTP/1.1\r\nhost: Inner.test:81\r\n", Received());
        Assert.DoesNotContain("outer.test", Received());
    }

    /// <summary>Trailers do not become headers, and those that would frame, route or authorise are gone (row A9).</summary>
    [Fact]
    public async Task TrailersCarryNothingThatDecides()
    {
        var answer = await SendAsync("POST /trailing HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\nHost: evil.test\r\nAuthorization: secret-value\r\n\r\n");
        Assert.True(answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), answer);
        Assert.DoesNotContain("evil.test", Received());
        Assert.DoesNotContain("secret-value", Received());
        Assert.DoesNotContain("gzip", Received());
    }

    /// <summary>An offer of h2c is declined, the body stays a body (row A16).</summary>
    [Fact]
    public async Task AnOfferOfH2cIsNotTaken()
    {
        var answer = await SendAsync("POST /offer HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 4\r\n\r\nbody");
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.DoesNotContain("h2c", Received(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http2-settings", Received(), StringComparison.OrdinalIgnoreCase);
    }

    private string Received() => running.Proxy.Upstream.Received;

    private Task<string> SendAsync(string request) => running.Proxy.SendAsync(request, quietMs: 10_000);
}
