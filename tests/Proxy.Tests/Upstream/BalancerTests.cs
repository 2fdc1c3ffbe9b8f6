using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Xunit;
using static Lateen.Proxy.Tests.Upstream.Hosts;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class BalancerTests
{
    [Fact]
    public void RoundRobin_takes_equal_hosts_in_turn()
    {
        using var worker = SeededWorker();
        var counts = Cluster(new BalancerSettings(BalancerKind.RoundRobin)).With(Endpoint(), Endpoint(), Endpoint()).Count(worker, 300);
        Assert.All(Enumerable.Range(1, 3), host => Assert.Equal(100, counts[host]));
    }

    /// <summary>Envoy's documentation of weights: the share is the weight's, in every stretch of picks and not only in the end.</summary>
    [Fact]
    public void RoundRobin_follows_the_weights_in_every_stretch()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.RoundRobin)).With(Endpoint(1), Endpoint(2), Endpoint(7));
        for (var stretch = 0; stretch < 20; stretch++)
        {
            var counts = cluster.Count(worker, 100);
            Assert.InRange(counts[1], 9, 11);
            Assert.InRange(counts[2], 18, 22);
            Assert.InRange(counts[3], 68, 72);
        }
    }

    [Fact]
    public void LeastRequest_avoids_the_busy_host()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.LeastRequest)).With(Endpoint(), Endpoint(), Endpoint(), Endpoint());
        cluster.Hosts.All[0].Began();
        var counts = cluster.Count(worker, 16_000);
        // The busy one wins only when both choices are it: one pick in sixteen.
        Assert.InRange(counts[1], 850, 1150);
        Assert.InRange(counts[2], 4650, 5350);
    }

    [Fact]
    public void LeastRequest_of_all_hosts_never_takes_a_busier_one()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.LeastRequest) { FullScan = true }).With(Endpoint(), Endpoint(), Endpoint());
        cluster.Hosts.All[1].Began();
        var counts = cluster.Count(worker, 1000);
        Assert.Equal(0, counts.GetValueOrDefault(2));
        Assert.InRange(counts[1], 430, 570);
    }

    [Theory]
    [InlineData(1.0, 250)]
    [InlineData(0.0, 500)]
    public void LeastRequest_with_weights_counts_requests_in_flight_by_its_bias(double bias, int expected)
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.LeastRequest) { ActiveRequestBias = bias }).With(Endpoint(2), Endpoint(1), Endpoint(1));
        cluster.Hosts.All[0].Began();
        cluster.Hosts.All[0].Began();
        // Weight 2 with two in flight is 2/3 of 2 2/3 parts; without the bias 2 of 4.
        Assert.InRange(cluster.Count(worker, 1000)[1], expected - 15, expected + 15);
    }

    [Fact]
    public void Random_takes_every_host_alike()
    {
        using var worker = SeededWorker();
        var counts = Cluster(new BalancerSettings(BalancerKind.Random)).With(Endpoint(9), Endpoint(), Endpoint(), Endpoint()).Count(worker, 8000);
        Assert.All(Enumerable.Range(1, 4), host => Assert.InRange(counts[host], 1850, 2150));
    }

    [Theory]
    [InlineData(false, 0.30)]
    [InlineData(true, 0.02)]
    public void Hashes_are_spread_by_weight(bool maglev, double tolerance)
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(maglev ? BalancerKind.Maglev : BalancerKind.RingHash)).With(Endpoint(1), Endpoint(1), Endpoint(2));
        var counts = cluster.Count(worker, 40_000, i => new LoadBalancerContext(Hashing.Of($"client-{i}"), default, null));
        Assert.InRange(counts[1], 10_000 * (1 - tolerance) - 300, 10_000 * (1 + tolerance) + 300);
        Assert.InRange(counts[3], 20_000 * (1 - tolerance) - 300, 20_000 * (1 + tolerance) + 300);
    }

    /// <summary>Of ten hosts one goes: its clients move, of the others only few, because the table fills up or the ring gets more points for each.</summary>
    [Theory]
    [InlineData(false, 450)]
    [InlineData(true, 250)]
    public void A_lost_host_moves_few_other_clients(bool maglev, int mostMoved)
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(maglev ? BalancerKind.Maglev : BalancerKind.RingHash));
        var ten = Enumerable.Range(0, 10).Select(_ => Endpoint()).ToArray();
        int[] PlacesWith(EndpointConfig[] endpoints)
        {
            cluster.With(endpoints);
            return [.. Enumerable.Range(0, 5000).Select(i => cluster.Pick(worker, new LoadBalancerContext(Hashing.Of($"client-{i}"), default, null))!.Number())];
        }
        var before = PlacesWith(ten);
        var after = PlacesWith(ten[..9]);
        var moved = Enumerable.Range(0, before.Length).Count(i => before[i] != 10 && before[i] != after[i]);
        Assert.InRange(moved, 0, mostMoved);
        Assert.Contains(10, before);
        Assert.DoesNotContain(10, after);
    }

    [Fact]
    public void A_ring_has_the_size_that_was_asked_for()
    {
        var cluster = Cluster(new BalancerSettings(BalancerKind.RingHash)).With(Endpoint(), Endpoint(), Endpoint());
        var group = cluster.Hosts.Priorities[0].Healthy;
        Assert.Equal(1026, new HashRing(group, new BalancerSettings(BalancerKind.RingHash)).Size);
        Assert.Equal(12, new HashRing(group, new BalancerSettings(BalancerKind.RingHash) { MaxRingSize = 100, MinRingSize = 10 }).Size);
    }

    [Fact]
    public void A_hash_balancer_passes_over_a_host_with_more_than_its_part()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.Maglev) { BalanceFactor = 120 }).With(Endpoint(), Endpoint());
        var context = new LoadBalancerContext(42, default, null);
        var own = cluster.Pick(worker, context)!;
        Assert.Same(own, cluster.Pick(worker, context));
        for (var i = 0; i < 3; i++) own.Began();
        Assert.NotSame(own, cluster.Pick(worker, context));
    }

    [Fact]
    public void A_new_host_begins_with_a_tenth()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.RoundRobin) { SlowStart = new SlowStart(60_000, 1, 0.1) }).With(Endpoint(), Endpoint());
        cluster.Hosts.All[0].InRotationSince -= 120_000;
        cluster.RefreshHealth();
        var counts = cluster.Count(worker, 1100);
        Assert.InRange(counts[2], 90, 110);
    }

    [Theory]
    [InlineData(1, 30_000, 0.5)]
    [InlineData(2, 30_000, 0.707)]
    [InlineData(1, 70_000, 1)]
    [InlineData(1, 0, 0.1)]
    public void Slow_start_grows_with_age(double aggression, long age, double expected)
    {
        var host = new HostState(default, "", 1) { InRotationSince = 1000 };
        Assert.Equal(expected, new SlowStart(60_000, aggression, 0.1).FactorOf(host, 1000 + age), 3);
    }

    [Fact]
    public void A_retry_looks_for_a_host_that_was_not_tried()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.Random)).With(Endpoint(), Endpoint());
        var first = cluster.Hosts.All[0];
        var counts = cluster.Count(worker, 2000, _ => new LoadBalancerContext(null, default, [first]) { ExtraPicks = 5 });
        // Six picks that all fall on the tried host: one in 64.
        Assert.InRange(counts.GetValueOrDefault(1), 10, 60);
    }

    [Fact]
    public void A_retry_leaves_out_hosts_by_label()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.RoundRobin)).With(Endpoint(labels: ("canary", "true")), Endpoint());
        var avoid = new HostAvoidance(true, HostState.NoLabels);
        Assert.Equal(100, cluster.Count(worker, 100, _ => new LoadBalancerContext { Avoid = avoid, ExtraPicks = 1 })[2]);
    }

    [Fact]
    public void A_bound_request_goes_to_its_host_as_long_as_that_is_well()
    {
        using var worker = SeededWorker();
        var cluster = Cluster(new BalancerSettings(BalancerKind.RoundRobin)).With(Endpoint(), Endpoint(), Endpoint());
        var bound = cluster.Hosts.All[2];
        LoadBalancerContext Context(int strict) => new() { BoundTo = bound.Address, BoundStrictly = strict == 1 };
        Assert.Equal(50, cluster.Count(worker, 50, _ => Context(0))[3]);
        bound.Mark(HostFlags.FailedActiveCheck, on: true);
        cluster.RefreshHealth();
        Assert.Equal(0, cluster.Count(worker, 50, _ => Context(0)).GetValueOrDefault(3));
        Assert.Null(cluster.Pick(worker, Context(1)));
    }
}
