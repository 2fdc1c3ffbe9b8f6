using System.Globalization;
using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The external authorization filter with an HTTP service, through a running proxy.</summary>
public sealed class ExtAuthzTests
{
    private static string Filter(string cluster, string more = "") => string.Format(
        CultureInfo.InvariantCulture,
        """
        - name: authz
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
            {1}
            http_service:
              server_uri: {{uri: "http://authz", cluster: {0}, timeout: 1s}}
              path_prefix: {2}
              authorization_request: {{headers_to_add: [{{key: x-from, value: proxy}}]}}
        """,
        cluster, more, "/status");

    [Theory]
    [InlineData("/200", "HTTP/1.1 200")]
    [InlineData("/401", "HTTP/1.1 401")]
    [InlineData("/302", "HTTP/1.1 302")]
    [InlineData("/503", "HTTP/1.1 403")]
    public async Task The_services_answer_decides(string path, string status)
    {
        using var service = new RecordingUpstream();
        await using var proxy = TestProxy.Start(filters: Filter("authz"), clusters: Cluster(service.Port));
        var answer = await proxy.SendAsync($"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: secret\r\nX-Private: 1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith(status, answer);
        Assert.StartsWith($"GET /status{path} HTTP/1.1\r\nhost: a\r\n", service.Received);
        Assert.Contains("authorization: secret\r\n", service.Received);
        Assert.Contains("x-from: proxy\r\n", service.Received);
        Assert.DoesNotContain("x-private", service.Received);
        Assert.Equal(path == "/200" ? 1 : 0, proxy.Upstream.Heads);
        if (path == "/401") Assert.EndsWith("\r\n\r\nok", answer);
    }

    [Theory]
    [InlineData("failure_mode_allow: false", 403)]
    [InlineData("status_on_error: {code: ServiceUnavailable}", 503)]
    [InlineData("failure_mode_allow: true", 200)]
    public async Task Service_that_is_away_denies_unless_it_may_be_away(string more, int code)
    {
        await using var proxy = TestProxy.Start(filters: Filter("dead", more));
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, await proxy.StatAsync("http.test.ext_authz.error"));
    }

    [Fact]
    public async Task Route_may_go_unasked()
    {
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/"}
              route: {cluster: app}
              typed_per_filter_config:
                authz: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true}
            """,
            Filter("dead"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }

    private static string Cluster(int port) => $$"""
        - name: authz
          type: STATIC
          load_assignment: {cluster_name: authz, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } } } }]}]}
        """;
}
