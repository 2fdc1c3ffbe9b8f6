using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Xunit;
using static Lateen.Proxy.Tests.Upstream.Hosts;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class HostSetTests
{
    private static readonly BalancerSettings RoundRobin = new(BalancerKind.RoundRobin);

    /// <summary>Percent of healthy hosts in two priorities, and the load on each; the figures of Envoy's page "Priority levels".</summary>
    [Theory]
    [InlineData(100, 100, 100, 0)]
    [InlineData(72, 100, 100, 0)]
    [InlineData(71, 100, 99, 1)]
    [InlineData(50, 100, 70, 30)]
    [InlineData(25, 100, 35, 65)]
    [InlineData(25, 25, 50, 50)]
    [InlineData(0, 100, 0, 100)]
    public void Load_spills_over_by_health(int healthyFirst, int healthySecond, int first, int second)
    {
        EndpointConfig[] Level(int priority, int healthy) => [.. Enumerable.Range(0, 100).Select(i => Endpoint(priority: priority, health: i < healthy ? EndpointHealth.Healthy : EndpointHealth.Unhealthy))];
        var cluster = Cluster(RoundRobin).With([.. Level(0, healthyFirst), .. Level(1, healthySecond)]);
        Assert.Equal([first, second], cluster.Hosts.Loads.Healthy);
    }

    [Fact]
    public void The_overprovisioning_factor_says_when()
    {
        var policy = new AssignmentPolicy(100, false);
        var cluster = Cluster(RoundRobin).With(
            Endpoint() with { Policy = policy }, Endpoint(health: EndpointHealth.Unhealthy), Endpoint(priority: 1));
        Assert.Equal([50, 50], cluster.Hosts.Loads.Healthy);
    }

    [Fact]
    public void Degraded_hosts_serve_what_healthy_ones_cannot()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(RoundRobin).With(Endpoint(), Endpoint(health: EndpointHealth.Degraded), Endpoint(health: EndpointHealth.Degraded), Endpoint(health: EndpointHealth.Degraded));
        // A quarter healthy carries 1.4 times that; the degraded take the rest.
        Assert.Equal([35], cluster.Hosts.Loads.Healthy);
        Assert.Equal([65], cluster.Hosts.Loads.Degraded);
        Assert.InRange(cluster.Count(worker, 10_000)[1], 3300, 3700);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Too_few_healthy_hosts_are_a_panic(int unhealthy, bool panics)
    {
        using var worker = SeededWorker();
        var cluster = Cluster(RoundRobin).With([.. Enumerable.Range(0, 4).Select(i => Endpoint(health: i < unhealthy ? EndpointHealth.Unhealthy : EndpointHealth.Healthy))]);
        var counts = cluster.Count(worker, 400);
        Assert.Equal(panics, counts.ContainsKey(1));
        Assert.Equal(panics ? 400 : 0, cluster.Stats.Read(Lateen.Proxy.Stats.ClusterStats.LbHealthyPanic));
    }

    [Fact]
    public void Without_panic_nobody_is_served_when_nobody_is_well()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(RoundRobin, new HostSetRules(PanicThreshold: 0)).With(Endpoint(health: EndpointHealth.Unhealthy), Endpoint(health: EndpointHealth.Draining));
        Assert.Null(cluster.Pick(worker, default));
        Assert.Null(Cluster(RoundRobin, new HostSetRules(FailOnPanic: true)).With(Endpoint(health: EndpointHealth.Timeout)).Pick(worker, default));
        Assert.NotNull(Cluster(RoundRobin).With(Endpoint(health: EndpointHealth.Unhealthy)).Pick(worker, default));
    }

    [Fact]
    public void Localities_share_by_weight_and_health()
    {
        using var worker = SeededWorker();
        var rules = new HostSetRules(LocalityWeighted: true);
        var cluster = Cluster(RoundRobin, rules).With(Endpoint(zone: "a", localityWeight: 3), Endpoint(zone: "b", localityWeight: 1), Endpoint(zone: "b", localityWeight: 1));
        Assert.InRange(cluster.Count(worker, 1000)[1], 740, 760);
        // Of two hosts in a one is ill: 1.4 times a half of its weight is left, 2.1 of 3.1.
        cluster.With(Endpoint(zone: "a", localityWeight: 3), Endpoint(zone: "a", localityWeight: 3, health: EndpointHealth.Unhealthy), Endpoint(zone: "b", localityWeight: 1));
        Assert.InRange(cluster.Count(worker, 1000)[1], 660, 695);
    }

    [Fact]
    public void Locality_weights_count_for_hashes_too()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.Maglev), new HostSetRules(LocalityWeighted: true))
            .With(Endpoint(zone: "a", localityWeight: 3), Endpoint(zone: "b", localityWeight: 1), Endpoint(zone: "b", localityWeight: 1));
        var counts = cluster.Count(worker, 8000, i => new LoadBalancerContext(Hashing.Of($"{i}"), default, null));
        Assert.InRange(counts[1], 5850, 6150);
    }

    [Fact]
    public void A_retry_leaves_out_priorities_that_failed()
    {
        var cluster = Cluster(RoundRobin).With(Endpoint(), Endpoint(priority: 1), Endpoint(priority: 2));
        Assert.Equal([0, 100, 0], cluster.Hosts.LoadsWithout(0b001).Healthy);
        Assert.Equal([0, 0, 100], cluster.Hosts.LoadsWithout(0b011).Healthy);
        Assert.Equal([100, 0, 0], cluster.Hosts.LoadsWithout(0b111).Healthy);
    }

    [Fact]
    public void A_subset_serves_requests_with_its_labels()
    {
        using var worker = SeededWorker();
        var settings = new SubsetSettings([new SubsetSelector(["version"], false, SubsetFallback.NotDefined, [])], SubsetFallback.None, SubsetCriteria.Any, false, false);
        var cluster = Cluster(RoundRobin, change: snapshot => snapshot with { Subsets = settings })
            .With(Endpoint(labels: ("version", "v1")), Endpoint(labels: ("version", "v2")), Endpoint(labels: ("version", "v2")));
        LoadBalancerContext For(string version) => new() { Criteria = new SubsetCriteria([KeyValuePair.Create("version", version)]) };
        Assert.Equal(100, cluster.Count(worker, 100, _ => For("v1"))[1]);
        Assert.Equal([2, 3], cluster.Count(worker, 100, _ => For("v2")).Keys.Order());
        Assert.Null(cluster.Pick(worker, For("v3")));
        Assert.Null(cluster.Pick(worker, default));
    }

    [Fact]
    public void A_subset_without_hosts_falls_back_as_told()
    {
        using var worker = SeededWorker();
        var v1 = new SubsetCriteria([KeyValuePair.Create("version", "v1")]);
        var (v9, staging) = (KeyValuePair.Create("version", "v9"), KeyValuePair.Create("stage", "s"));
        ClusterState With(SubsetFallback own, SubsetFallback all) =>
            Cluster(RoundRobin, change: snapshot => snapshot with
            {
                Subsets = new SubsetSettings(
                    [new SubsetSelector(["stage", "version"], false, own, ["stage"]), new SubsetSelector(["stage"], false, SubsetFallback.NotDefined, [])], all, v1, false, false),
            }).With(Endpoint(labels: ("version", "v1")), Endpoint(labels: [("version", "v2"), ("stage", "s")]));
        var context = new LoadBalancerContext { Criteria = new SubsetCriteria([v9, staging]) };
        Assert.Equal(1, With(SubsetFallback.Default, SubsetFallback.None).Pick(worker, context)!.Number());
        Assert.Equal(2, With(SubsetFallback.Keys, SubsetFallback.None).Pick(worker, context)!.Number());
        Assert.Equal([1, 2], With(SubsetFallback.NotDefined, SubsetFallback.Any).Count(worker, 10, _ => context).Keys.Order());
        Assert.Null(With(SubsetFallback.None, SubsetFallback.Any).Pick(worker, context));
    }

    [Fact]
    public void A_host_that_stays_keeps_its_state_and_one_that_goes_is_marked()
    {
        var cluster = Cluster(RoundRobin).With(Endpoint(), Endpoint());
        var (first, second) = (cluster.Hosts.All[0], cluster.Hosts.All[1]);
        cluster.With(Endpoint(weight: 5));
        Assert.Same(first, Assert.Single(cluster.Hosts.All));
        Assert.Equal(5, first.Weight);
        Assert.True(second.IsRemoved);
        Assert.Equal("/failed_outlier_check/failed_eds_health/eds_status_draining", Flags(first));

        static string Flags(HostState host)
        {
            host.Take(EndpointHealth.Draining);
            host.Mark(HostFlags.FailedOutlierCheck, on: true);
            return host.FlagText();
        }
    }
}
