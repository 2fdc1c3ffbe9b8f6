using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Probes;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Node.Probes;

public sealed class ProbeLoopTests
{
    [Fact]
    public async Task AReadinessProbeFindsTheFirstSuccessLongBeforeThePeriodIsOver()
    {
        var (asked, told) = (0, 0);
        using var stop = new CancellationTokenSource();
        var loop = new ProbeLoop(Hourly(), _ => Task.FromResult(new ProbeOutcome(Interlocked.Increment(ref asked) >= 4, "not yet")), _ => { }, _ => Interlocked.Increment(ref told), hurries: true);
        var running = loop.RunAsync(TimeSpan.Zero, TimeProvider.System, stop.Token);
        await Eventually.TrueAsync(() => loop.Succeeded);
        await stop.CancelAsync();
        await running;
        Assert.Equal(4, asked);
        // Only the question that a period brings is told of and counts.
        Assert.Equal(1, told);
        Assert.False(loop.Failed);
    }

    [Fact]
    public async Task ALivenessProbeIsAskedOnceAPeriod()
    {
        var asked = 0;
        using var stop = new CancellationTokenSource();
        var loop = new ProbeLoop(Hourly(), _ => Task.FromResult(new ProbeOutcome(Interlocked.Increment(ref asked) > 1, "no")), _ => { }, _ => { });
        var running = loop.RunAsync(TimeSpan.Zero, TimeProvider.System, stop.Token);
        await Eventually.TrueAsync(() => asked == 1);
        await Task.WhenAny(running, Task.Delay(500, TestContext.Current.CancellationToken));
        await stop.CancelAsync();
        await running;
        Assert.Equal(1, asked);
    }

    private static ProbeConfig Hourly() => ProbeConfig.Read(new JsonObject { ["periodSeconds"] = 3600 });
}
