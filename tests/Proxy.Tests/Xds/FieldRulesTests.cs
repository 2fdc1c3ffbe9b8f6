using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Compile.Rules;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

/// <summary>Limits of single fields: what breaks one is refused with the path of the field, whatever would become of it later.</summary>
public sealed class FieldRulesTests
{
    private const string Route = "envoy.config.route.v3.RouteConfiguration";
    private const string Cluster = "envoy.config.cluster.v3.Cluster";
    private const string Listener = "envoy.config.listener.v3.Listener";

    [Theory]
    [InlineData(Route, """{"virtualHosts": [{"name": "a"}]}""", "virtual_hosts[0].domains: is empty")]
    [InlineData(Route, """{"virtualHosts": [{"name": "a", "domains": ["*"], "routes": [{"match": {}, "route": {"cluster": "c"}}]}]}""", "virtual_hosts[0].routes[0].match: none of path_specifier is set")]
    [InlineData(Route, """{"virtualHosts": [{"name": "a", "domains": ["*"], "routes": [{"match": {"pathSeparatedPrefix": "/a/"}, "route": {"cluster": "c"}}]}]}""", "virtual_hosts[0].routes[0].match.path_separated_prefix: does not match ^[^?#]+[^?#/]$")]
    [InlineData(Route, """{"virtualHosts": [{"name": "a", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "c", "timeout": "-1s"}}]}]}""", "virtual_hosts[0].routes[0].route.timeout: is less than no time")]
    [InlineData(Route, """{"virtualHosts": [{"name": "a", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "redirect": {"responseCode": 302}}]}]}""", "virtual_hosts[0].routes[0].redirect.response_code: has no value 302")]
    [InlineData(Route, """{"requestHeadersToAdd": [{"header": {"key": "x", "value": "a\nb"}}]}""", "request_headers_to_add[0].header.value: holds NUL or a line end")]
    [InlineData(Cluster, """{"name": "a", "connectTimeout": "0s"}""", "connect_timeout: must be above 0")]
    [InlineData(Cluster, """{"name": "a", "outlierDetection": {"maxEjectionPercent": 101}}""", "outlier_detection.max_ejection_percent: must be at most 100")]
    [InlineData(Cluster, """{"name": "a", "loadAssignment": {"clusterName": "a", "endpoints": [{"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "1.2.3.4", "portValue": 65536}}}}]}]}}""", "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value: must be at most 65535")]
    [InlineData(Listener, """{"filterChains": [{"filters": [{"name": "t", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster": "c"}}]}]}""", "filter_chains[0].filters[0].typed_config.stat_prefix: is empty")]
    [InlineData(Listener, """{"filterChains": [{"filterChainMatch": {"sourcePorts": [1, 0]}}]}""", "filter_chains[0].filter_chain_match.source_ports[1]: must be at least 1")]
    [InlineData(Listener, """{"tcpFastOpenQueueLength": 5}""", "tcp_fast_open_queue_length: is not supported")]
    public void What_breaks_a_limit_is_refused(string type, string json, string problem) =>
        Assert.Equal(problem, Assert.Throws<ConfigRefusedException>(() => FieldRules.Check(AnyRegistry.Parse(json, AnyRegistry.Find(type)!))).Message);

    [Fact]
    public void What_keeps_them_is_taken() => FieldRules.Check(AnyRegistry.Parse(
        """{"virtualHosts": [{"name": "a", "domains": ["*"], "requestHeadersToRemove": ["x"], "routes": [{"match": {"pathSeparatedPrefix": "/a"}, "route": {"cluster": "c", "timeout": "0s"}}]}]}""", AnyRegistry.Find(Route)!));
}
