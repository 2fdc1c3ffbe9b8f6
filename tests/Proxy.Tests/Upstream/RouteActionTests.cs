using System.Text;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class RouteActionTests
{
    private const string Match = "path_match_policy: {name: t, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: \"";

    [Theory]
    [InlineData("/deck/{**}", "/deck/", true)]
    [InlineData("/deck/{**}", "/deck", false)]
    [InlineData("/deck/{**}", "/deck/a/b", true)]
    [InlineData("/{**}/keel", "/keel", false)]
    [InlineData("/{**}/keel", "/a/b/keel", true)]
    [InlineData("/{*}/keel", "/a/b/keel", false)]
    [InlineData("/a/*/c", "/a/b.x/c", true)]
    [InlineData("/a/{name=b/*}/c", "/a/b/x/c", true)]
    [InlineData("/a/{name=b/*}/c", "/a/x/c", false)]
    public void A_path_template_matches_as_Envoy_does(string template, string path, bool expected) =>
        Assert.Equal(expected, UriTemplate.Compile(template, "p").Regex.IsMatch(path));

    [Theory]
    [InlineData("a/b")]
    [InlineData("/{a")]
    [InlineData("/a}")]
    [InlineData("/{a}/{a}")]
    [InlineData("/**/*")]
    [InlineData("/{1a}")]
    [InlineData("/{a}/{b}/{c}/{d}/{e}/{f}")]
    public void What_is_no_template_is_refused(string template) => Assert.Throws<ConfigRefusedException>(() => UriTemplate.Compile(template, "p"));

    [Fact]
    public async Task A_path_is_put_together_anew_from_its_variables()
    {
        await using var proxy = TestProxy.Start(
            "- {match: {" + Match + "/users/{id}/{rest=**}\"}}}, route: {cluster: app, path_rewrite_policy: {name: r, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig, path_template_rewrite: \"/{rest}/of/{id}\"}}}}");
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /users/7/a/b?q=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", quietMs: 10_000));
        Assert.StartsWith("GET /a/b/of/7?q=1 HTTP/1.1\r\n", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_path_with_a_fragment_is_refused()
    {
        await using var proxy = TestProxy.Start();
        Assert.StartsWith("HTTP/1.1 400", await proxy.SendAsync("GET /a#b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", quietMs: 10_000));
        Assert.Equal("", proxy.Upstream.Received);
    }

    [Fact]
    public async Task The_host_that_was_goes_to_its_headers()
    {
        await using var proxy = TestProxy.Start("- {match: {prefix: /}, route: {cluster: app, host_rewrite_path_regex: {pattern: {regex: \"^/(.+)/.+$\"}, substitution: \"\\\\1.example\"}, append_x_forwarded_host: true}}");
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /bay/x HTTP/1.1\r\nHost: before.example\r\nConnection: close\r\n\r\n", quietMs: 10_000));
        Assert.Contains("host: bay.example\r\n", proxy.Upstream.Received);
        Assert.Contains("x-forwarded-host: before.example\r\n", proxy.Upstream.Received);
        Assert.Contains("x-envoy-original-host: before.example\r\n", proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_copy_has_the_body_too()
    {
        using var shadow = new RecordingUpstream();
        using var upstream = new RecordingUpstream();
        await using var proxy = ClusterProxy.Start(
            $$"""
            - {name: app, load_assignment: {{ClusterProxy.Endpoints(upstream.Port)}} }
            - {name: shadow, load_assignment: {{ClusterProxy.Endpoints(shadow.Port)}} }
            """,
            "- {match: {prefix: /}, route: {cluster: app, request_mirror_policies: [{cluster: shadow}]}}");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var content = new StringContent("the whole body", Encoding.UTF8, "text/plain");
        using var response = await client.PostAsync($"http://127.0.0.1:{proxy.Port}/x", content, TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)response.StatusCode);
        await Eventually.TrueAsync(() => shadow.Received.Contains("the whole body", StringComparison.Ordinal));
        Assert.Contains($"host: 127.0.0.1-shadow:{proxy.Port}", shadow.Received);
    }

    [Theory]
    [InlineData("hash_policy: [{filter_state: {key: a}}]", "virtual_hosts[0].routes[0].route.hash_policy[0]")]
    [InlineData("path_rewrite: /x", "virtual_hosts[0].routes[0].route.path_rewrite")]
    [InlineData("request_mirror_policies: [{cluster_header: x}]", "virtual_hosts[0].routes[0].route.request_mirror_policies[0].cluster_header")]
    public void What_cannot_be_honoured_is_refused_with_its_path(string action, string path) =>
        Assert.Equal(path, Assert.Throws<ConfigRefusedException>(() => RouteYaml.Compile($"- {{match: {{prefix: /}}, route: {{cluster: app, {action}}}}}")).Path);
}
