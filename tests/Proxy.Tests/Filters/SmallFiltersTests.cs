using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>Filters that need a test or two each, through a running proxy.</summary>
public sealed class SmallFiltersTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    [Fact]
    public async Task Local_rate_limit_answers_when_the_bucket_is_empty()
    {
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/own"}
              route: {cluster: app}
              typed_per_filter_config:
                limit:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
                  stat_prefix: own
                  token_bucket: {max_tokens: 1, fill_interval: 3600s}
                  filter_enabled: {default_value: {numerator: 100}}
                  filter_enforced: {default_value: {numerator: 100}}
                  status: {code: ServiceUnavailable}
            - match: {prefix: "/"}
              route: {cluster: app}
            """,
            """
            - name: limit
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
                stat_prefix: all
                token_bucket: {max_tokens: 2, fill_interval: 3600s}
                filter_enabled: {default_value: {numerator: 100}}
                filter_enforced: {default_value: {numerator: 100}}
                response_headers_to_add: [{header: {key: x-limited, value: "yes"}}]
            """);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Get));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(Get));
        var refused = await proxy.SendAsync(Get);
        Assert.StartsWith("HTTP/1.1 429", refused);
        Assert.Contains("x-limited: yes\r\n", refused);
        Assert.EndsWith("\r\n\r\nlocal_rate_limited", refused);
        var own = Get.Replace("/ ", "/own ", StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(own));
        Assert.StartsWith("HTTP/1.1 503", await proxy.SendAsync(own));
        Assert.Equal(1, await proxy.StatAsync("all.http_local_rate_limit.enforced"));
        Assert.Equal(1, await proxy.StatAsync("own.http_local_rate_limit.rate_limited"));
    }

    [Theory]
    [InlineData("POST", "Origin: http://a\r\n", 200)]
    [InlineData("POST", "Origin: http://b.friend\r\n", 200)]
    [InlineData("POST", "Origin: http://evil\r\n", 403)]
    [InlineData("POST", "Referer: http://a/page\r\n", 200)]
    [InlineData("POST", "Origin: null\r\n", 403)]
    [InlineData("DELETE", "", 403)]
    [InlineData("GET", "Origin: http://evil\r\n", 200)]
    public async Task Csrf_lets_only_pages_of_the_origin_change_things(string method, string headers, int code)
    {
        await using var proxy = TestProxy.Start(filters: """
            - name: csrf
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.csrf.v3.CsrfPolicy
                filter_enabled: {default_value: {numerator: 100}}
                additional_origins: [{suffix: .friend}]
            """);
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync($"{method} / HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData("X-Version: v2\r\n", 200)]
    [InlineData("X-Version: v1\r\n", 403)]
    [InlineData("", 403)]
    public async Task Headers_become_metadata_that_policies_see(string header, int code)
    {
        await using var proxy = TestProxy.Start(filters: """
            - name: set
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config
                metadata: [{metadata_namespace: fixed, value: {flag: true}}]
            - name: h
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
                request_rules:
                - {header: x-version, on_header_present: {metadata_namespace: mine, key: version}, on_header_missing: {metadata_namespace: mine, key: version, value: none}, remove: true}
            - name: rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                rules:
                  policies:
                    v2:
                      permissions: [{sourced_metadata: {metadata_matcher: {filter: mine, path: [{key: version}], value: {string_match: {exact: v2}}}}}]
                      principals: [{metadata: {filter: fixed, path: [{key: flag}], value: {bool_match: true}}}]
            """);
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{header}Connection: close\r\n\r\n"));
        Assert.DoesNotContain("x-version", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Health_checks_are_answered_here()
    {
        await using var proxy = TestProxy.Start(filters: """
            - name: health
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck
                pass_through_mode: false
                headers: [{name: ":path", string_match: {exact: /healthz}}]
            """);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(0, proxy.Upstream.Heads);
    }
}
