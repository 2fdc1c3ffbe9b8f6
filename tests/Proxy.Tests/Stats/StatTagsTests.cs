using Envoy.Config.Metrics.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;
using Xunit;

namespace Lateen.Proxy.Tests.Stats;

public sealed class StatTagsTests
{
    [Theory]
    [InlineData("cluster.a.b.upstream_rq_total", "cluster.upstream_rq_total", "envoy_cluster_name=\"a.b\"")]
    [InlineData("cluster.a.upstream_rq_2xx", "cluster.upstream_rq_xx", "envoy_response_code_class=\"2\",envoy_cluster_name=\"a\"")]
    [InlineData("cluster.a.outlier_detection.ejections_active", "cluster.outlier_detection.ejections_active", "envoy_cluster_name=\"a\"")]
    [InlineData("http.ingress.downstream_rq_5xx", "http.downstream_rq_xx", "envoy_response_code_class=\"5\",envoy_http_conn_manager_prefix=\"ingress\"")]
    [InlineData("listener.0.0.0.0_15006.downstream_cx_total", "listener.downstream_cx_total", "envoy_listener_address=\"0.0.0.0_15006\"")]
    [InlineData("tcp.out.downstream_cx_total", "tcp.downstream_cx_total", "envoy_tcp_prefix=\"out\"")]
    [InlineData("server.live", "server.live", "")]
    public void Envoys_tags_are_taken_out_of_names(string stat, string name, string labels) => Assert.Equal((name, labels), new StatTags(null).Of(stat));

    [Fact]
    public void Istios_own_tags_stand_in_place_of_Envoys()
    {
        var config = new StatsConfig { UseAllDefaultTags = false };
        config.StatsTags.Add(new TagSpecifier { TagName = "cluster_name", Regex = @"^cluster(\.(.+);)" });
        config.StatsTags.Add(new TagSpecifier { TagName = "response_code_class", Regex = @"_rq(_(\dxx))$" });
        config.StatsTags.Add(new TagSpecifier { TagName = "mesh", FixedValue = "one" });
        Assert.Equal(("cluster.upstream_rq", "mesh=\"one\",cluster_name=\"outbound|80||a\",response_code_class=\"2xx\""), new StatTags(config).Of("cluster.outbound|80||a;.upstream_rq_2xx"));
    }

    [Fact]
    public void A_tag_without_a_value_that_Envoy_has_not_is_refused()
    {
        var config = new StatsConfig { StatsTags = { new TagSpecifier { TagName = "mine" } } };
        Assert.Equal("stats_config.stats_tags[0]", Assert.Throws<ConfigRefusedException>(() => new StatTags(config)).Path);
    }
}
