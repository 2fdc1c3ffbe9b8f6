using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>One form of a path for route, policy and upstream (row C1), and of a header's name (row A17), as the configuration asks.</summary>
public sealed class PathTests(PathTests.Edge edge) : IClassFixture<PathTests.Edge>
{
    /// <summary>Milliseconds without a byte; every answer here ends with the connection.</summary>
    private const int Patience = 10_000;

    /// <summary>A proxy as Envoy's guide for the edge sets it: anything under /admin is denied.</summary>
    public sealed class Edge : IAsyncDisposable
    {
        internal TestProxy Proxy { get; } = TestProxy.Start(
            """
            - {match: {prefix: /admin}, direct_response: {status: 403}}
            - {match: {prefix: /}, route: {cluster: app}}
            """,
            manager: """
            merge_slashes: true
            path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT
            common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
            """);

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }

    /// <summary>Spellings of a path below /admin: none reaches the upstream.</summary>
    [Theory]
    [InlineData("/admin")]
    [InlineData("/admin/x")]
    [InlineData("/./admin")]
    [InlineData("//admin")]
    [InlineData("///.//admin")]
    [InlineData("/x/../admin")]
    [InlineData("/x/%2e%2e/admin")]
    [InlineData("/x/%2E./admin")]
    [InlineData("/%61dmin")]
    [InlineData("/%61%64%6d%69%6e/")]
    [InlineData("/\\admin")]
    [InlineData("/x\\..\\admin")]
    [InlineData("/admin?x=/../")]
    [InlineData("/../admin")]
    [InlineData("/../../admin")]
    [InlineData("/x//../admin")]
    public async Task EverySpellingOfAPathMeetsItsRoute(string path)
    {
        Assert.StartsWith("HTTP/1.1 403 ", await SendAsync(path));
    }

    /// <summary>A fragment is the client's own business; a path with one is not served.</summary>
    [Theory]
    [InlineData("/admin#x")]
    [InlineData("/#/../admin")]
    public async Task APathWithAFragmentIsRefused(string path)
    {
        Assert.StartsWith("HTTP/1.1 400 ", await SendAsync(path));
    }

    [Theory]
    [InlineData("/%2fadmin", "/admin")]
    [InlineData("/x%2F..%2Fadmin", "/admin")]
    [InlineData("/%5Cadmin?q=%2f", "/admin?q=%2f")]
    public async Task EscapedSlashesAreRedirectedToWhatTheyStandFor(string path, string location)
    {
        var answer = await SendAsync(path);
        Assert.StartsWith("HTTP/1.1 307 ", answer);
        Assert.Contains($"location: {location}\r\n", answer);
    }

    [Theory]
    [InlineData("/%00admin", 400)]
    [InlineData("/x%00", 400)]
    public async Task AnEscapedNulIsRefused(string path, int status) => Assert.StartsWith($"HTTP/1.1 {status} ", await SendAsync(path));

    /// <summary>What normalises to itself is left alone, byte for byte.</summary>
    [Theory]
    [InlineData("/a%20b/c", "/a%20b/c")]
    [InlineData("/%252f", "/%252f")]
    [InlineData("/a;v=1/..;/b", "/a;v=1/..;/b")]
    [InlineData("/%c0%ae%c0%ae/x", "/%c0%ae%c0%ae/x")]
    [InlineData("/a/b/../c/./d//e?q=//./..", "/a/c/d/e?q=//./..")]
    [InlineData("/ADMIN", "/ADMIN")]
    public async Task TheUpstreamSeesTheNormalForm(string path, string seen)
    {
        Assert.StartsWith("HTTP/1.1 200 ", await SendAsync(path));
        Assert.Contains($"GET {seen} HTTP/1.1\r\n", edge.Proxy.Upstream.Received);
    }

    [Fact]
    public async Task AnUnderscoreInAHeadersNameIsRefusedAtTheEdge()
    {
        Assert.StartsWith("HTTP/1.1 400 ", await edge.Proxy.SendAsync("GET /under HTTP/1.1\r\nHost: a\r\nX_Real_User: root\r\nConnection: close\r\n\r\n", Patience));
        Assert.DoesNotContain("/under", edge.Proxy.Upstream.Received);
    }

    [Fact]
    public async Task AnUnderscoreHeaderIsDroppedOrKeptWhereAsked()
    {
        await using var dropping = TestProxy.Start(manager: "common_http_protocol_options: {headers_with_underscores_action: DROP_HEADER}");
        Assert.StartsWith("HTTP/1.1 200 ", await dropping.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nX_B: 2\r\nX-C: 3\r\nConnection: close\r\n\r\n", Patience));
        Assert.DoesNotContain("x_", dropping.Upstream.Received);
        Assert.Contains("x-c: 3", dropping.Upstream.Received);
        await using var plain = TestProxy.Start();
        Assert.StartsWith("HTTP/1.1 200 ", await plain.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nConnection: close\r\n\r\n", Patience));
        Assert.Contains("x_a: 1", plain.Upstream.Received);
    }

    [Theory]
    [InlineData("REJECT_REQUEST", "/a%2Fb", 400, "")]
    [InlineData("UNESCAPE_AND_FORWARD", "/a%2Fb", 200, "/a/b")]
    [InlineData("KEEP_UNCHANGED", "/a%2Fb", 200, "/a%2Fb")]
    public async Task EscapedSlashesFollowTheAction(string action, string path, int status, string seen)
    {
        await using var proxy = TestProxy.Start(manager: $"path_with_escaped_slashes_action: {action}");
        Assert.StartsWith($"HTTP/1.1 {status} ", await proxy.SendAsync($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Patience));
        Assert.Contains(seen, proxy.Upstream.Received);
    }

    private Task<string> SendAsync(string path) => edge.Proxy.SendAsync($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Patience);
}
