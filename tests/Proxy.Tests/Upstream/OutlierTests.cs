using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Outliers;
using Lateen.Support;
using Xunit;
using static Lateen.Proxy.Tests.Upstream.Hosts;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class OutlierTests
{
    private static ClusterState ClusterOf(int hosts, OutlierSettings settings) =>
        Cluster(new BalancerSettings(BalancerKind.RoundRobin), change: snapshot => snapshot with { Outliers = settings }).With([.. Enumerable.Range(0, hosts).Select(_ => Endpoint())]);

    [Fact]
    public void Failures_in_a_row_eject_and_a_success_between_them_does_not()
    {
        using var worker = SeededWorker();
        var cluster = ClusterOf(10, new OutlierSettings { Consecutive5xx = 3 });
        var host = cluster.Hosts.All[0];
        foreach (var status in (int[])[500, 500, 404, 500, 503]) OutlierDetection.OnResponse(cluster, host, status, worker);
        Assert.False(host.IsEjected);
        OutlierDetection.OnFailure(cluster, host, 503, worker);
        Assert.True(host.IsEjected);
        Assert.Equal((1, 1, 9), (cluster.Stats.Read(ClusterStats.EjectionsActive), cluster.Stats.Read(ClusterStats.EjectionsEnforced), cluster.Hosts.Priorities[0].Healthy.Hosts.Length));
    }

    /// <summary>The default of 10 percent: of nine hosts none is ejected, of ten one, of twenty two.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(9, 0)]
    [InlineData(10, 1)]
    [InlineData(20, 2)]
    public void No_more_than_the_percentage_is_ejected(int hosts, int ejected)
    {
        using var worker = SeededWorker();
        var cluster = ClusterOf(hosts, new OutlierSettings { Consecutive5xx = 1 });
        foreach (var host in cluster.Hosts.All) OutlierDetection.OnResponse(cluster, host, 500, worker);
        Assert.Equal(ejected, cluster.Hosts.All.Count(host => host.IsEjected));
        Assert.Equal(hosts - ejected, cluster.Stats.Read(ClusterStats.EjectionsOverflow));
    }

    [Fact]
    public void One_host_may_be_ejected_whatever_the_percentage()
    {
        using var worker = SeededWorker();
        var cluster = ClusterOf(3, new OutlierSettings { Consecutive5xx = 1, AlwaysOne = true });
        foreach (var host in cluster.Hosts.All) OutlierDetection.OnResponse(cluster, host, 500, worker);
        Assert.Equal(1, cluster.Hosts.All.Count(host => host.IsEjected));
    }

    [Fact]
    public void What_is_not_enforced_is_only_counted()
    {
        using var worker = SeededWorker();
        var cluster = ClusterOf(10, new OutlierSettings { ConsecutiveGateway = 2, Consecutive5xx = 100 });
        for (var i = 0; i < 2; i++) OutlierDetection.OnResponse(cluster, cluster.Hosts.All[0], 502, worker);
        Assert.Equal((1, 0), (cluster.Stats.Read(ClusterStats.EjectionsDetected + 1), cluster.Stats.Read(ClusterStats.EjectionsEnforced + 1)));
        Assert.False(cluster.Hosts.All[0].IsEjected);
    }

    [Fact]
    public void Failures_to_reach_a_host_count_apart_when_split()
    {
        using var worker = SeededWorker();
        var cluster = ClusterOf(10, new OutlierSettings { SplitLocal = true, Consecutive5xx = 2, ConsecutiveLocal = 3 });
        var host = cluster.Hosts.All[0];
        OutlierDetection.OnFailure(cluster, host, 503, worker);
        OutlierDetection.OnFailure(cluster, host, 504, worker);
        OutlierDetection.OnResponse(cluster, host, 500, worker);
        Assert.False(host.IsEjected);
        for (var i = 0; i < 3; i++) OutlierDetection.OnFailure(cluster, host, 503, worker);
        Assert.True(host.IsEjected);
        Assert.Equal(1, cluster.Stats.Read(ClusterStats.EjectionsEnforced + (int)EjectionKind.ConsecutiveLocal));
    }

    [Fact]
    public void Each_ejection_lasts_longer_and_quiet_intervals_forgive()
    {
        using var worker = SeededWorker();
        var settings = new OutlierSettings { Consecutive5xx = 1, BaseEjectionMs = 1000, MaxEjectionMs = 5000 };
        var cluster = ClusterOf(10, settings);
        var host = cluster.Hosts.All[0];
        var now = worker.Now;
        void Fail() => OutlierDetection.OnResponse(cluster, host, 500, worker);
        bool EjectedAfter(long ms)
        {
            OutlierDetection.Compare(cluster, settings, now + ms, worker.Random);
            return host.IsEjected;
        }
        Fail();
        Assert.True(EjectedAfter(999));
        Assert.False(EjectedAfter(1000));
        Fail();
        Assert.True(EjectedAfter(1999));
        Assert.False(EjectedAfter(2000));
        Assert.False(EjectedAfter(3000));
        Assert.False(EjectedAfter(4000));
        Fail();
        Assert.True(EjectedAfter(999));
        Assert.False(EjectedAfter(1000));
    }

    [Fact]
    public void The_host_with_the_worst_success_rate_goes()
    {
        using var worker = SeededWorker();
        var settings = new OutlierSettings { Consecutive5xx = 1000, MaxEjectionPercent = 50 };
        var cluster = ClusterOf(6, settings);
        for (var i = 0; i < 100; i++)
            foreach (var host in cluster.Hosts.All) OutlierDetection.OnResponse(cluster, host, host.Number() == 6 && i < 50 ? 500 : i == 0 ? 500 : 200, worker);
        OutlierDetection.Compare(cluster, settings, worker.Now, worker.Random);
        Assert.Equal(6, Assert.Single(cluster.Hosts.All, host => host.IsEjected).Number());
        Assert.Equal(1, cluster.Stats.Read(ClusterStats.EjectionsEnforced + (int)EjectionKind.SuccessRate));
    }

    [Fact]
    public void Failure_percentage_ejects_all_that_are_above_it()
    {
        using var worker = SeededWorker();
        var settings = new OutlierSettings { Consecutive5xx = 1000, MaxEjectionPercent = 100, Enforcing = [0, 0, 0, 0, 0, 100, 0], FailureThreshold = 60 };
        var cluster = ClusterOf(5, settings);
        for (var i = 0; i < 50; i++)
            foreach (var host in cluster.Hosts.All) OutlierDetection.OnResponse(cluster, host, host.Number() <= 2 && i % 5 < 3 ? 503 : 200, worker);
        OutlierDetection.Compare(cluster, settings, worker.Now, worker.Random);
        Assert.Equal([1, 2], cluster.Hosts.All.Where(host => host.IsEjected).Select(host => host.Number()));
    }

    [Fact]
    public async Task An_ejected_upstream_gets_no_requests_and_comes_back()
    {
        using var good = new ScriptedUpstream("good");
        var ill = true;
        using var bad = new ScriptedUpstream((_, _) => ill ? ScriptedUpstream.Status(500) : ScriptedUpstream.Ok("well"));
        await using var proxy = ClusterProxy.Start($$"""
            - {name: app, load_assignment: {{ClusterProxy.Endpoints(good.Port, bad.Port)}},
               outlier_detection: {consecutive_5xx: 2, interval: 0.2s, base_ejection_time: 0.5s, max_ejection_percent: 50} }
            """);
        for (var i = 0; i < 4; i++) await proxy.GetAsync();
        Assert.Equal(2, bad.Heads.Length);
        for (var i = 0; i < 6; i++) Assert.Equal((200, "good"), await proxy.GetAsync());
        ill = false;
        await Eventually.TrueAsync(async () => (await proxy.GetAsync()).Body == "well");
        Assert.Equal(0, proxy.Stat(ClusterStats.EjectionsActive));
    }
}
