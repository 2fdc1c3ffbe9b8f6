using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Xds;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

public sealed class ResourceStateTests
{
    /// <summary>Weights whose sum leaves the range are one table's fault: the table beside it serves.</summary>
    [Fact]
    public void ABadTableIsRefusedAloneByItsName()
    {
        var state = NewState();
        var refused = Assert.Single(state.ApplyRoutes(ResourceUpdate.Of([Any.Pack(Table("bad", int.MaxValue, int.MaxValue)), Any.Pack(Table("good", 1, 1))], "1")));
        Assert.Equal("bad", refused.Name);
        Assert.StartsWith("bad: ", refused.Problem);
        Assert.Equal(["good"], state.Dump().Routes.Select(route => route.Name));
    }

    [Fact]
    public void ARefusedTableLeavesTheLastGoodOne()
    {
        var state = NewState();
        Assert.Empty(state.ApplyRoutes(ResourceUpdate.Of([Any.Pack(Table("a", 1, 1))], "1")));
        Assert.Single(state.ApplyRoutes(ResourceUpdate.Of([Any.Pack(Table("a", 0, 0))], "2")));
        Assert.Equal("1", Assert.Single(state.Dump().Routes).Version);
    }

    private static ResourceState NewState() => new(new ProxyContext(new StatsStore(1), new LogOptions { Targets = ["stderr"] }.CreateFactory()), _ => { });

    private static RouteConfiguration Table(string name, params int[] weights)
    {
        var clusters = new Envoy.Config.Route.V3.WeightedCluster();
        foreach (var weight in weights) clusters.Clusters.Add(new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { Name = "c", Weight = (uint)weight });
        var host = new VirtualHost { Name = "all", Domains = { "*" } };
        host.Routes.Add(new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { WeightedClusters = clusters } });
        return new RouteConfiguration { Name = name, VirtualHosts = { host } };
    }
}
