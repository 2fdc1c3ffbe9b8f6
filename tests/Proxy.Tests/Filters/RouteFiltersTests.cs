using Lateen.Proxy.Compile;
using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>What routes say to filters, through a running proxy.</summary>
public sealed class RouteFiltersTests
{
    private const string Fault = """
        - name: f
          {0}
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
            abort: {{http_status: 501, percentage: {{numerator: 100}}}}
        """;

    private const string Routes = """
        - match: {prefix: "/own"}
          route: {cluster: app}
          typed_per_filter_config:
            f:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              abort: {http_status: 502, percentage: {numerator: 100}}
        - match: {prefix: "/off"}
          route: {cluster: app}
          typed_per_filter_config:
            f: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}
        - match: {prefix: "/on"}
          route: {cluster: app}
          typed_per_filter_config:
            f:
              "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
              config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
                abort: {http_status: 504, percentage: {numerator: 100}}
        - match: {prefix: "/weighted"}
          route:
            weighted_clusters:
              clusters:
              - name: app
                weight: 1
                typed_per_filter_config:
                  f:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
                    abort: {http_status: 503, percentage: {numerator: 100}}
          typed_per_filter_config:
            f:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              abort: {http_status: 502, percentage: {numerator: 100}}
        - match: {prefix: "/"}
          route: {cluster: app}
        """;

    [Fact]
    public async Task Most_specific_level_wins_and_disabled_filters_are_passed_over()
    {
        await using var proxy = TestProxy.Start(Routes, string.Format(System.Globalization.CultureInfo.InvariantCulture, Fault, "disabled: false"));
        using var client = proxy.Client();
        Assert.Equal(501, await StatusAsync(client, "/"));
        Assert.Equal(502, await StatusAsync(client, "/own"));
        Assert.Equal(200, await StatusAsync(client, "/off"));
        Assert.Equal(503, await StatusAsync(client, "/weighted"));
    }

    [Fact]
    public async Task Filter_that_its_chain_disables_runs_for_the_routes_that_want_it()
    {
        await using var proxy = TestProxy.Start(Routes, string.Format(System.Globalization.CultureInfo.InvariantCulture, Fault, "disabled: true"));
        using var client = proxy.Client();
        Assert.Equal(200, await StatusAsync(client, "/"));
        Assert.Equal(504, await StatusAsync(client, "/on"));
        Assert.Equal(502, await StatusAsync(client, "/own"));
    }

    [Fact]
    public void Unknown_type_for_a_route_is_refused_with_its_path()
    {
        var refused = Assert.Throws<ConfigRefusedException>(() => TestRoutes.Compile("""
            virtual_hosts:
            - name: a
              domains: ["*"]
              routes:
              - match: {prefix: "/"}
                route: {cluster: app}
                typed_per_filter_config:
                  x: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
            """));
        Assert.Equal("virtual_hosts[0].routes[0].typed_per_filter_config[x]", refused.Path);
    }

    [Fact]
    public void Unknown_type_for_a_route_is_left_out_when_it_is_optional()
    {
        TestRoutes.Compile("""
            virtual_hosts:
            - name: a
              domains: ["*"]
              typed_per_filter_config:
                x:
                  "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
                  is_optional: true
                  config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
            """);
    }

    private static async Task<int> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path);
        return (int)answer.StatusCode;
    }
}
