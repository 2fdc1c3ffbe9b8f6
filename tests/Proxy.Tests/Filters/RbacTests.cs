using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The HTTP RBAC filter through a running proxy.</summary>
public sealed class RbacTests
{
    private const string AllowReaders = """
        - name: rbac
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
            rules:
              action: ALLOW
              policies:
                "ns[shop]-policy[read]-rule[0]":
                  permissions:
                  - and_rules: {rules: [{header: {name: ":method", string_match: {exact: GET}}}, {url_path: {path: {prefix: "/books"}}}, {not_rule: {url_path: {path: {suffix: "/secret"}}}}]}
                  principals: [{direct_remote_ip: {address_prefix: 127.0.0.0, prefix_len: 8}}]
                "second policy":
                  permissions: [{any: true}]
                  principals: [{header: {name: x-user, string_match: {exact: admin}}}]
        """;

    [Theory]
    [InlineData("GET /books/1?a=b", "", true)]
    [InlineData("GET /books/../books/1", "", true)]
    [InlineData("POST /books/1", "", false)]
    [InlineData("GET /books/secret", "", false)]
    [InlineData("GET /books/%73ecret", "", false)]
    [InlineData("GET /books/x/../secret", "", false)]
    [InlineData("GET /books?/secret", "", true)]
    [InlineData("GET /other", "X-User: admin\r\n", true)]
    [InlineData("GET /other", "X-User: admin2\r\n", false)]
    public async Task Only_what_a_policy_allows_goes_through(string line, string headers, bool allowed)
    {
        await using var proxy = TestProxy.Start(filters: AllowReaders);
        var answer = await proxy.SendAsync($"{line} HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
        Assert.StartsWith(allowed ? "HTTP/1.1 200" : "HTTP/1.1 403", answer);
        if (!allowed) Assert.EndsWith("\r\n\r\nRBAC: access denied", answer);
        Assert.Equal(allowed ? 1 : 0, proxy.Upstream.Heads);
        Assert.Equal(allowed ? 1 : 0, await proxy.StatAsync("http.test.rbac.allowed"));
        Assert.Equal(allowed ? 0 : 1, await proxy.StatAsync("http.test.rbac.denied"));
    }

    [Fact]
    public async Task Grpc_caller_gets_its_own_status()
    {
        await using var proxy = TestProxy.Start(filters: AllowReaders);
        var answer = await proxy.SendAsync("POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains("grpc-status: 7\r\n", answer);
        Assert.Contains("grpc-message: RBAC: access denied\r\n", answer);
    }

    [Theory]
    [InlineData("/admin", "rbac_access_denied_matched_policy[no_admin]")]
    [InlineData("/", "via_upstream")]
    public async Task Denial_names_its_policy_in_the_log(string path, string details)
    {
        using var folder = new TempFolder();
        var log = folder.PathOf("log");
        await using var proxy = TestProxy.Start(
            filters: """
            - name: rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                rules:
                  action: DENY
                  policies:
                    "no admin": {permissions: [{url_path: {path: {prefix: "/admin"}}}], principals: [{any: true}]}
            """,
            manager: $$"""
            access_log:
            - name: f
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                path: {{log}}
                log_format: {text_format_source: {inline_string: "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"} }
            """);
        await proxy.SendAsync($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        await Eventually.TrueAsync(() => File.Exists(log) && File.ReadAllText(log).Length > 0);
        Assert.Equal($"- {details}\n", File.ReadAllText(log));
    }

    [Fact]
    public async Task Shadow_rules_only_tell_what_they_would_do()
    {
        using var folder = new TempFolder();
        var log = folder.PathOf("log");
        await using var proxy = TestProxy.Start(
            filters: """
            - name: rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                shadow_rules_stat_prefix: istio_dry_run_allow_
                shadow_rules:
                  action: ALLOW
                  policies:
                    some: {permissions: [{url_path: {path: {prefix: "/a"}}}], principals: [{any: true}]}
            """,
            manager: $$"""
            access_log:
            - name: f
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                path: {{log}}
                log_format: {text_format_source: {inline_string: "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_allow_shadow_engine_result)% %DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_allow_shadow_effective_policy_id)%\n"} }
            """);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        await Eventually.TrueAsync(() => File.Exists(log) && File.ReadAllText(log).Split('\n').Length == 3);
        Assert.Equal("denied -\nallowed some\n", File.ReadAllText(log));
        Assert.Equal(1, await proxy.StatAsync("http.test.rbac.istio_dry_run_allow_shadow_allowed"));
        Assert.Equal(1, await proxy.StatAsync("http.test.rbac.istio_dry_run_allow_shadow_denied"));
    }

    [Fact]
    public async Task Route_may_have_rules_of_its_own_or_none()
    {
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/open"}
              route: {cluster: app}
              typed_per_filter_config:
                rbac: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute}
            - match: {prefix: "/"}
              route: {cluster: app}
            """,
            AllowReaders);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 403", await proxy.SendAsync("GET /shut HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }
}
