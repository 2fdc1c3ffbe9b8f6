using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class TrailersTests
{
    private const string Allowed = "http_protocol_options: {enable_trailers: true}";

    [Fact]
    public async Task Trailers_of_a_response_pass_when_both_sides_allow_them()
    {
        await using var proxy = TestProxy.Start(manager: Allowed, cluster: Allowed);
        var answer = await proxy.SendAsync("GET /trailers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", quietMs: 5000);
        Assert.EndsWith("2\r\nok\r\n0\r\nx-sum: 17\r\nx-more: yes\r\n\r\n", answer);
    }

    [Theory]
    [InlineData(Allowed, "")]
    [InlineData("", Allowed)]
    public async Task Trailers_of_a_response_are_dropped_when_a_side_does_not_allow_them(string manager, string cluster)
    {
        await using var proxy = TestProxy.Start(manager: manager, cluster: cluster);
        Assert.EndsWith("2\r\nok\r\n0\r\n\r\n", await proxy.SendAsync("GET /trailers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", quietMs: 5000));
    }

    [Fact]
    public async Task Trailers_of_a_request_pass_when_both_sides_allow_them()
    {
        await using var proxy = TestProxy.Start(manager: Allowed, cluster: Allowed);
        await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n", quietMs: 5000);
        Assert.EndsWith("5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Trailers_of_a_request_are_dropped_by_default()
    {
        await using var proxy = TestProxy.Start();
        await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n", quietMs: 5000);
        Assert.EndsWith("5\r\nhello\r\n0\r\n\r\n", proxy.Upstream.Received);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("proxy_100_continue: true", true)]
    public async Task Informational_responses_pass_when_the_manager_says_so(string manager, bool pass)
    {
        await using var proxy = TestProxy.Start(manager: manager);
        var answer = await proxy.SendAsync("GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", quietMs: 5000);
        Assert.Equal(pass, answer.StartsWith("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n", StringComparison.Ordinal));
        Assert.Contains("HTTP/1.1 200 OK\r\n", answer);
    }
}
