using System.Diagnostics;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>
/// Istio's task pages on its own YAML, of both ages, under constant load: each file changes traffic as its page says, within two
/// seconds, and no request has a result that neither the old nor the new state predicts. Two seconds are meant for a machine that has
/// time: where the slowest page takes longer than 100 ms under this load, twenty times as long as that page.
/// </summary>
[Collection("mesh")]
public sealed class RoutingTaskTests(MeshFixture mesh)
{
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(2);
    private static readonly string[] Any = ["black", "none", "red"];
    private TimeSpan _effect = Promise;

    [Theory]
    [InlineData("istio-1.30.3")]
    [InlineData("istio-1.1.17")]
    public async Task EachFileDoesWhatItsPageSays(string age)
    {
        mesh.Require();
        var folder = Corpora.Require(age, "samples", "bookinfo", "networking");
        async Task ApplyAsync(params string[] files)
        {
            // A later file stands on the earlier: destination rules first, as Istio tells its users.
            foreach (var file in files) await mesh.KubectlAsync("apply", "-f", Path.Combine(folder, file + ".yaml"));
        }
        try
        {
            await using var anyone = await Load.StartAsync(mesh.Gateway, 4);
            await using var jason = await Load.StartAsync(mesh.Gateway, 4, "jason");
            var start = Stopwatch.GetTimestamp();
            await anyone.CountAsync(100, start);
            anyone.AssertOnly(Any);
            var slowest = anyone.Since(start).Skip(20).Max(answer => answer.Took) * 20;
            _effect = slowest > Promise ? slowest : Promise;

            // Rules first, and time for them to arrive, as the pages say: a route to a subset that a proxy does not have yet is answered 503.
            await ChangeAsync(() => ApplyAsync("destination-rule-all"), new Case(anyone, 200, Any, Any));
            await ChangeAsync(() => ApplyAsync("virtual-service-all-v1", "bookinfo-gateway"), new(anyone, 500, Any, ["none"]), new(jason, 500, Any, ["none"]));
            await ChangeAsync(() => ApplyAsync("virtual-service-reviews-test-v2"), new(anyone, 500, ["none"], ["none"]), new(jason, 500, ["none"], ["black"]));
            await ChangeAsync(() => ApplyAsync("virtual-service-ratings-test-abort"), new(anyone, 500, ["none"], ["none"]), new(jason, 500, ["black"], ["no ratings"]));
            // Ratings are delayed by 7 s; reviews v2 would wait 10 s, but the page itself gives up after twice 3 s.
            await ChangeAsync(() => ApplyAsync("virtual-service-ratings-test-delay"), new(anyone, 996, ["none"], ["none"]), new(jason, 4, ["no ratings"], ["no reviews"]));
            await ChangeAsync(() => ApplyAsync("virtual-service-all-v1"), new(anyone, 500, ["none"], ["none"]), new(jason, 500, ["no reviews"], ["none"]));
            var halves = await ChangeAsync(() => ApplyAsync("virtual-service-reviews-50-v3"), new Case(anyone, 1000, ["none"], ["none", "red"]), new Case(jason, 500, ["none"], ["none", "red"]));
            Assert.InRange((double)halves.Count(answer => answer.Kind == "red") / halves.Count, 0.40, 0.60);
        }
        finally
        {
            (await mesh.TryKubectlAsync("delete", "--ignore-not-found", "-f", Path.Combine(folder, "virtual-service-all-v1.yaml"), "-f", Path.Combine(folder, "destination-rule-all.yaml"))).Dispose();
        }
    }

    /// <summary>
    /// Makes a change and counts. Requests that were sent before it was accepted, or less than the promised time later, may have either
    /// state's result; later ones the new state's alone, each of them at least once.
    /// </summary>
    /// <returns>The later answers of the first case.</returns>
    private async Task<IReadOnlyList<Load.Answer>> ChangeAsync(Func<Task> change, params Case[] cases)
    {
        var asked = Stopwatch.GetTimestamp();
        await change();
        var effective = Stopwatch.GetTimestamp() + (long)(_effect.TotalSeconds * Stopwatch.Frequency);
        foreach (var (load, requests, before, after) in cases)
        {
            await load.CountAsync(Math.Max(1, requests / 2), effective);
            await load.CountAsync(requests, asked);
            load.AssertOnly([.. before, .. after], asked);
            load.AssertOnly(after, effective);
            Assert.Equal(after.Order(), load.Since(effective).Select(answer => answer.Kind).Distinct().Order());
        }
        return cases[0].Load.Since(effective);
    }

    /// <summary>A load, how many of its requests are counted, and the results that are right before and after the change.</summary>
    private sealed record Case(Load Load, int Requests, string[] Before, string[] After);
}
