using System.Net;
using System.Text.Json.Nodes;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Admin;

public sealed class AdminPagesTests
{
    [Fact]
    public async Task Prometheus_shows_what_was_counted_under_Envoys_names()
    {
        await using var proxy = TestProxy.Start();
        using var client = proxy.Client();
        using var admin = Admin(proxy);
        await client.GetAsync("/", TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => (await admin.GetStringAsync("/stats/prometheus")).Contains("envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"app\"} 1\n", StringComparison.Ordinal));
        var page = await admin.GetStringAsync("/stats/prometheus", TestContext.Current.CancellationToken);
        Assert.Contains("# TYPE envoy_http_downstream_rq_xx counter\n", page);
        Assert.Contains("envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"app\",le=\"+Inf\"} 1\n", page);
        Assert.Contains("envoy_server_live{} 1\n", page);
    }

    [Fact]
    public async Task Stats_can_be_filtered_and_had_as_JSON()
    {
        await using var proxy = TestProxy.Start();
        using var admin = Admin(proxy);
        Assert.Equal("cluster.app.upstream_rq_total: 0\n", await admin.GetStringAsync("/stats?filter=app.upstream_rq_total", TestContext.Current.CancellationToken));
        var json = JsonNode.Parse(await admin.GetStringAsync("/stats?format=json&filter=app.upstream_rq_total", TestContext.Current.CancellationToken))!;
        Assert.Equal("cluster.app.upstream_rq_total", json["stats"]![0]!["name"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.BadRequest, (await admin.GetAsync("/stats?filter=(", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task The_dump_can_be_cut_to_some_fields()
    {
        await using var proxy = TestProxy.Start();
        using var admin = Admin(proxy);
        var dump = JsonNode.Parse(await admin.GetStringAsync("/config_dump?resource=static_clusters&mask=cluster.name", TestContext.Current.CancellationToken))!;
        Assert.Equal(["app", "dead"], dump["configs"]!.AsArray().Select(config => config!["cluster"]!["name"]!.GetValue<string>()));
        Assert.All(dump["configs"]!.AsArray(), config => Assert.Null(config!["cluster"]!["type"]));
    }

    [Theory]
    [InlineData("/quitquitquit")]
    [InlineData("/logging")]
    [InlineData("/drain_listeners")]
    public async Task What_changes_something_must_be_posted(string path)
    {
        await using var proxy = TestProxy.Start();
        using var admin = Admin(proxy);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await admin.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode);
    }

    private static HttpClient Admin(TestProxy proxy) => new() { BaseAddress = new Uri($"http://127.0.0.1:{proxy.AdminPort}") };
}
