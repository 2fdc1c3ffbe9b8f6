using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class BreakerTests
{
    private static ClusterState With(Thresholds limits, Thresholds? high = null) =>
        Hosts.Cluster(new BalancerSettings(BalancerKind.RoundRobin), change: snapshot => snapshot with { Default = limits, High = high ?? new Thresholds() });

    [Fact]
    public void A_limit_is_exact_and_says_that_it_is_reached()
    {
        var cluster = With(new Thresholds(MaxRequests: 2) { TrackRemaining = true });
        Assert.True(cluster.TryBegin(BreakerKind.Requests));
        Assert.Equal(0, cluster.Stats.Read(ClusterStats.DefaultBreakers + 2));
        Assert.True(cluster.TryBegin(BreakerKind.Requests));
        Assert.False(cluster.TryBegin(BreakerKind.Requests));
        Assert.Equal(1, cluster.Stats.Read(ClusterStats.DefaultBreakers + 2));
        cluster.End(BreakerKind.Requests);
        Assert.Equal(0, cluster.Stats.Read(ClusterStats.DefaultBreakers + 2));
        cluster.ShowRemaining();
        Assert.Equal(1, cluster.Stats.Read(ClusterStats.DefaultBreakers + 6));
    }

    [Fact]
    public void Priorities_have_limits_of_their_own()
    {
        var cluster = With(new Thresholds(MaxRequests: 0), new Thresholds(MaxRequests: 1));
        Assert.False(cluster.TryBegin(BreakerKind.Requests));
        Assert.True(cluster.TryBegin(BreakerKind.Requests, high: true));
        Assert.False(cluster.TryBegin(BreakerKind.Requests, high: true));
    }

    [Fact]
    public void A_retry_budget_follows_the_requests_in_flight()
    {
        var cluster = With(new Thresholds(MaxRetries: 1000) { RetryBudget = (20, 3) });
        int Retries()
        {
            var count = 0;
            while (cluster.TryBegin(BreakerKind.Retries)) count++;
            for (var i = 0; i < count; i++) cluster.End(BreakerKind.Retries);
            return count;
        }
        Assert.Equal(3, Retries());
        for (var i = 0; i < 50; i++) cluster.TryBegin(BreakerKind.Requests);
        Assert.Equal(10, Retries());
    }
}
