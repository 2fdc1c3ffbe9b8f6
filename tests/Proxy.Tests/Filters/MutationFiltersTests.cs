using System.Text;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Proxy.Tests.Upstream;
using Xunit;
using ScriptedUpstream = Lateen.Proxy.Tests.Upstream.ScriptedUpstream;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The filters header_mutation, set_filter_state and stateful_session, through a running proxy.</summary>
public sealed class MutationFiltersTests
{
    private const string Mutations = """
        - name: mutate
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
            mutations:
              request_mutations:
              - {append: {header: {key: x-path, value: "%REQ(:path)%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD} }
              - {remove: x-gone}
              - {remove_on_match: {key_matcher: {prefix: x-debug-} } }
              - {append: {header: {key: x-level, value: filter}, append_action: OVERWRITE_IF_EXISTS_OR_ADD} }
              query_parameter_mutations:
              - {append: {record: {key: added, value: "%REQ(x-who)%"}, action: APPEND_IF_EXISTS_OR_ADD} }
              - {append: {record: {key: a, value: changed}, action: OVERWRITE_IF_EXISTS} }
              - {append: {record: {key: absent, value: x}, action: OVERWRITE_IF_EXISTS} }
              - {remove: secret}
              response_mutations:
              - {append: {header: {key: x-answered, value: "%RESPONSE_CODE%"} } }
        """;

    [Fact]
    public async Task Headers_and_parameters_are_changed_in_the_order_of_the_list()
    {
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/"}
              route: {cluster: app}
              typed_per_filter_config:
                mutate: {"@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute, mutations: {request_mutations: [ {append: {header: {key: x-level, value: route}, append_action: OVERWRITE_IF_EXISTS_OR_ADD} } ]} }
            """,
            Mutations);
        var answer = await proxy.SendAsync("GET /p?secret=1&a=b HTTP/1.1\r\nHost: a\r\nX-Who: me\r\nX-Gone: 1\r\nX-Debug-One: 1\r\nX-Debug-Two: 2\r\nConnection: close\r\n\r\n");
        Assert.Contains("x-answered: ", answer);
        Assert.StartsWith("GET /p?a=changed&added=me HTTP/1.1\r\n", proxy.Upstream.Received);
        Assert.Contains("x-path: /p?secret=1&a=b\r\n", proxy.Upstream.Received);
        Assert.Contains("x-level: route\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("x-gone", proxy.Upstream.Received);
        Assert.DoesNotContain("x-debug", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Trailers_of_the_answer_are_changed_too()
    {
        const string Filter = """
            - name: mutate
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: {response_trailers_mutations: [ {remove: x-sum} ]} }
            """;
        await using var proxy = TestProxy.Start(filters: Filter, manager: "http_protocol_options: {enable_trailers: true}", cluster: """
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http_protocol_options: {enable_trailers: true} }
            """);
        var answer = await proxy.SendAsync("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n");
        Assert.EndsWith("0\r\nx-more: yes\r\n\r\n", answer);
    }

    [Fact]
    public async Task Filter_state_is_there_for_what_comes_behind()
    {
        await using var proxy = TestProxy.Start(
            "- {match: {prefix: \"/\"}, route: {cluster: app}, request_headers_to_add: [ {header: {key: x-state, value: \"%FILTER_STATE(shop:PLAIN)%/%FILTER_STATE(none:PLAIN)%\"} } ] }",
            """
            - name: state
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
                on_request_headers:
                - {object_key: shop, factory_key: envoy.string, read_only: true, format_string: {text_format_source: {inline_string: "of %REQ(x-who)%"} } }
                - {object_key: shop, factory_key: envoy.string, format_string: {text_format_source: {inline_string: "later"} }, read_only: true}
                - {object_key: none, factory_key: envoy.string, skip_if_empty: true, format_string: {text_format_source: {inline_string: "%REQ(x-absent)%"}, omit_empty_values: true} }
            """);
        await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Who: me\r\nConnection: close\r\n\r\n");
        Assert.Contains("x-state: of me/", proxy.Upstream.Received);
    }

    [Theory]
    [InlineData("dynamic_metadata: [ {filter: shop, path: [ {key: kind} ], value: {string_match: {exact: books} } } ]", 202)]
    [InlineData("filter_state: [ {key: shop, string_match: {prefix: bo} } ]", 202)]
    [InlineData("tls_context: {presented: false}", 201)]
    public async Task Routes_may_look_at_what_filters_found_out(string condition, int other)
    {
        // Its answer changes the request, so that the route is chosen anew behind the filters.
        using var authz = new ScriptedUpstream((_, _) => ScriptedUpstream.Status(200, "", "x-auth: yes\r\n"));
        await using var proxy = TestProxy.Start(
            $$"""
            - {match: {prefix: "/", tls_context: {validated: true} }, direct_response: {status: 203} }
            - {match: {prefix: "/", {{condition}} }, direct_response: {status: 201} }
            - {match: {prefix: "/"}, direct_response: {status: 202} }
            """,
            """
            - name: meta
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config, request_rules: [ {header: x-kind, on_header_present: {metadata_namespace: shop, key: kind} } ]}
            - name: state
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config, on_request_headers: [ {object_key: shop, factory_key: envoy.string, format_string: {text_format_source: {inline_string: "%REQ(x-kind)%"} } } ]}
            - name: authz
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, clear_route_cache: true, http_service: {server_uri: {uri: "http://authz", cluster: authz, timeout: 5s}, authorization_response: {allowed_upstream_headers: {patterns: [ {exact: x-auth} ]} } } }
            """,
            clusters: $$"""
            - {name: authz, type: STATIC, load_assignment: {{ClusterProxy.Endpoints(authz.Port)}} }
            """);
        Assert.StartsWith("HTTP/1.1 201", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Kind: books\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith($"HTTP/1.1 {other}", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Kind: tea\r\nConnection: close\r\n\r\n"));
    }

    private static string Session(string state) => $$"""
        - name: session
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession
            session_state: {name: s, typed_config: {{state}} }
            strict: true
        """;

    private const string ByCookie = "{\"@type\": type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState, cookie: {name: host, path: /shop, ttl: 120s} }";
    private const string ByHeader = "{\"@type\": type.googleapis.com/envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState, name: x-host}";

    private static string Two(ScriptedUpstream one, ScriptedUpstream two) => $$"""
        - {name: pair, type: STATIC, load_assignment: {{ClusterProxy.Endpoints(one.Port, two.Port)}} }
        """;

    [Theory]
    [InlineData(ByCookie, "set-cookie: host=\"", "Cookie: a=b; host=")]
    [InlineData(ByHeader, "x-host: ", "X-Host: ")]
    public async Task A_client_stays_with_the_host_that_it_was_told(string state, string told, string says)
    {
        using ScriptedUpstream one = new("one"), two = new("two");
        await using var proxy = TestProxy.Start("- {match: {prefix: \"/\"}, route: {cluster: pair} }", Session(state), clusters: Two(one, two));
        var first = await proxy.SendAsync("GET /shop/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        var value = first.Split(told)[1].Split('"', '\r')[0];
        if (state == ByCookie) Assert.Contains($"{value}\"; Max-Age=120; Path=/shop; HttpOnly\r\n", first);
        for (var i = 0; i < 6; i++)
        {
            var answer = await proxy.SendAsync($"GET /shop/a HTTP/1.1\r\nHost: a\r\n{says}{value}\r\nConnection: close\r\n\r\n");
            Assert.Equal(first[^3..], answer[^3..]);
            Assert.DoesNotContain(told, answer);
        }
        if (state != ByCookie) return;
        // Elsewhere the cookie does not count, and is not given.
        Assert.DoesNotContain("set-cookie", await proxy.SendAsync("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }

    [Fact]
    public async Task A_host_that_is_gone_is_not_replaced_when_the_session_is_strict()
    {
        using ScriptedUpstream one = new("one"), two = new("two");
        await using var proxy = TestProxy.Start("- {match: {prefix: \"/\"}, route: {cluster: pair} }", Session(ByHeader), clusters: Two(one, two));
        var gone = Convert.ToBase64String(Encoding.ASCII.GetBytes("127.0.0.9:1"));
        Assert.StartsWith("HTTP/1.1 503", await proxy.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\nX-Host: {gone}\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Host: ***\r\nConnection: close\r\n\r\n"));
    }
}
