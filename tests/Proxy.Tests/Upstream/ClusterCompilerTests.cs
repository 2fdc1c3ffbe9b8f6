using Envoy.Config.Cluster.V3;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class ClusterCompilerTests
{
    [Theory]
    [InlineData("{name: c, type: ORIGINAL_DST}", "lb_policy")]
    [InlineData("{name: c, lb_policy: CLUSTER_PROVIDED}", "lb_policy")]
    [InlineData("{name: c, lb_policy: MAGLEV, maglev_lb_config: {table_size: 65536}}", "maglev_lb_config.table_size")]
    [InlineData("{name: c, lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 99, maximum_ring_size: 98}}", "ring_hash_lb_config.minimum_ring_size")]
    [InlineData("{name: c, lb_policy: LEAST_REQUEST, least_request_lb_config: {choice_count: 1}}", "least_request_lb_config.choice_count")]
    [InlineData("{name: c, common_lb_config: {healthy_panic_threshold: {value: 101}}}", "common_lb_config.healthy_panic_threshold")]
    [InlineData("{name: c, lb_subset_config: {scale_locality_weight: true, subset_selectors: [{keys: [a]}]}}", "lb_subset_config.scale_locality_weight")]
    [InlineData("{name: c, type: LOGICAL_DNS, load_assignment: {endpoints: [{}, {}]}}", "load_assignment")]
    [InlineData("{name: c, load_assignment: {policy: {overprovisioning_factor: 0}}}", "load_assignment.policy.overprovisioning_factor")]
    [InlineData("{name: c, load_balancing_policy: {policies: [{typed_extension_config: {typed_config: {\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin}}}]}}", "load_balancing_policy")]
    public void What_cannot_be_honoured_is_refused_with_its_path(string yaml, string path) =>
        Assert.Equal(path, Assert.Throws<ConfigRefusedException>(() => ClusterCompiler.Compile(Read(yaml))).Path);

    [Fact]
    public void A_typed_policy_says_the_same_as_the_old_fields()
    {
        var snapshot = ClusterCompiler.Compile(Read("""
            {name: c, load_balancing_policy: {policies: [{typed_extension_config: {typed_config: {
              "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality,
              endpoint_picking_policy: {policies: [{typed_extension_config: {typed_config: {
                "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest,
                choice_count: 3, active_request_bias: {default_value: 0.5}, slow_start_config: {slow_start_window: 30s}}}}]}}}}]}}
            """));
        Assert.Equal((BalancerKind.LeastRequest, 3, 0.5), (snapshot.Balancer.Kind, snapshot.Balancer.ChoiceCount, snapshot.Balancer.ActiveRequestBias));
        Assert.Equal(new SlowStart(30_000, 1, 0.1), snapshot.Balancer.SlowStart);
        Assert.True(snapshot.Rules.LocalityWeighted);
    }

    [Fact]
    public void What_istiod_sends_for_original_destinations_is_taken()
    {
        var snapshot = ClusterCompiler.Compile(Read("{name: PassthroughCluster, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, cleanup_interval: 9223372035s, original_dst_lb_config: {use_http_header: true, upstream_port_override: 8080}}"));
        Assert.Equal((DiscoveryType.OriginalDestination, "x-envoy-original-dst-host", 8080), (snapshot.Discovery, snapshot.DestinationHeader, snapshot.PortOverride));
    }

    internal static ClusterSnapshot Compile(string yaml) => ClusterCompiler.Compile(Read(yaml));

    private static Cluster Read(string yaml) => AnyRegistry.Parse<Cluster>(YamlReader.ReadOne(yaml, "test").ToJsonString());
}
