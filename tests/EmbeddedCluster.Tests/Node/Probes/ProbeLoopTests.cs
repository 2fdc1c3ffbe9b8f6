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

    [Fact]
    public async Task WhatWasFoundBeforeHoldsUntilARowOfFailures()
    {
        var asked = 0;
        using var stop = new CancellationTokenSource();
        var config = ProbeConfig.Read(JsonNode.Parse("""{"periodSeconds": 1, "failureThreshold": 2}""")!.AsObject());
        var seen = new List<bool>();
        ProbeLoop loop = null!;
        loop = new ProbeLoop(
            config,
            _ =>
            {
                seen.Add(loop.Succeeded);
                return Task.FromResult(new ProbeOutcome(++asked < 2, "no"));
            },
            _ => { }, _ => { }, hurries: true, succeededBefore: true);
        var running = loop.RunAsync(TimeSpan.Zero, TimeProvider.System, stop.Token);
        await Eventually.TrueAsync(() => loop.Failed);
        await stop.CancelAsync();
        await running;
        // Asked well, then badly twice: until the second time it counted as before.
        Assert.Equal([true, true, true], seen);
        Assert.False(loop.Succeeded);
    }

    private static ProbeConfig Hourly() => ProbeConfig.Read(JsonNode.Parse("""{"periodSeconds": 3600}""")!.AsObject());
}
