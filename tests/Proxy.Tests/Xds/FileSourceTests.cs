using Lateen.Api;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Xds;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

public sealed class FileSourceTests
{
    [Fact]
    public void ClustersAndTheirEndpointsComeFromFilesAndChangeWithThem()
    {
        using var folder = new TempFolder();
        var (clusters, endpoints) = (folder.PathOf("cds.yaml"), folder.PathOf("eds.yaml"));
        File.WriteAllText(clusters, $$"""
            resources:
            - "@type": {{TypeUrls.Cluster}}
              name: a
              type: EDS
              eds_cluster_config: {eds_config: {path_config_source: {path: "{{endpoints}}"} } }
            """);
        File.WriteAllText(endpoints, Endpoints("127.0.0.1"));
        var context = new ProxyContext(new StatsStore(1), new LogOptions { Targets = ["stderr"] }.CreateFactory());
        var source = new FileSource([(TypeUrls.Cluster, new ConfigOrigin(clusters, null, 0))], new ResourceState(context, _ => { }), NullLogger.Instance);
        Assert.False(source.HasInitial);
        source.LookOnce();
        source.LookOnce();
        Assert.True(source.HasInitial);
        Assert.Equal("127.0.0.1:80", Assert.Single(context.Clusters.Current.Find("a")!.Hosts.All).Text);

        File.WriteAllText(endpoints, "this: is nothing");
        source.LookOnce();
        Assert.Equal("127.0.0.1:80", Assert.Single(context.Clusters.Current.Find("a")!.Hosts.All).Text);

        File.WriteAllText(endpoints, Endpoints("127.0.0.77"));
        source.LookOnce();
        Assert.Equal("127.0.0.77:80", Assert.Single(context.Clusters.Current.Find("a")!.Hosts.All).Text);
    }

    private static string Endpoints(string address) => $$"""
        resources:
        - "@type": {{TypeUrls.Endpoint}}
          cluster_name: a
          endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: {{address}}, port_value: 80} } } } ] } ]
        """;
}
