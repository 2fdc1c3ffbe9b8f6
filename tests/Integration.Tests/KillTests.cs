using System.Diagnostics;
using Lateen.Foundation.Interop;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>SIGKILL in turn, under load: what must not fail does not, and the rest recovers by itself.</summary>
[Collection("mesh")]
public sealed class KillTests(MeshFixture mesh)
{
    private const int SigCont = 18, SigStop = 19;
    private static readonly string[] Good = ["black", "none", "red"];

    [Theory]
    [InlineData("pilot")]
    [InlineData("galley")]
    [InlineData("node")]
    [InlineData("apiserver")]
    [InlineData("injector")]
    public async Task AProcessOfTheMeshStopsNoTrafficAndNoPod(string name)
    {
        mesh.Require();
        var pods = await PodsAsync();
        var before = (await mesh.ProcessesAsync())[name];
        await using var load = await Load.StartAsync(mesh.Gateway, 4);
        var killed = Stopwatch.GetTimestamp();
        Posix.Kill(before, Posix.SigKill);
        await Eventually.TrueAsync(async () => (await mesh.ProcessesAsync()).TryGetValue(name, out var now) && now != before, MeshFixture.Patience);
        await load.CountAsync(100, killed);
        load.AssertOnly(Good);
        await Eventually.TrueAsync(async () => await PodsAsync() is { } after && after.SetEquals(pods), MeshFixture.Patience);
    }

    [Fact]
    public async Task WithPilotAwayNewConnectionsFlowAndLaterAChangeArrives()
    {
        mesh.Require();
        var folder = Corpora.Require("istio-1.30.3", "samples", "bookinfo", "networking");
        await using var load = await Load.StartAsync(mesh.Gateway, 4);
        // Rules first, and time for them to arrive, as Istio's pages say: while proxies find Pilot again, rules and routes would come together.
        await mesh.KubectlAsync("apply", "-f", Path.Combine(folder, "destination-rule-all.yaml"));
        await load.CountAsync(30, Stopwatch.GetTimestamp() + 3 * Stopwatch.Frequency);
        var processes = await mesh.ProcessesAsync();
        // Nobody starts it again meanwhile, for long enough that connections, pings and retries run out.
        Posix.Kill(processes["supervisor"], SigStop);
        try
        {
            Posix.Kill(processes["pilot"], Posix.SigKill);
            await Task.Delay(TimeSpan.FromSeconds(12), TestContext.Current.CancellationToken);
        }
        finally
        {
            Posix.Kill(processes["supervisor"], SigCont);
        }
        load.AssertOnly(Good);
        try
        {
            // A machine that this load keeps busy may not judge the files within a webhook's time.
            await Eventually.PassesAsync(() => mesh.KubectlAsync("apply", "-f", Path.Combine(folder, "virtual-service-all-v1.yaml")), MeshFixture.Patience);
            await Eventually.TrueAsync(
                async () =>
                {
                    var counts = await load.CountAsync(30, Stopwatch.GetTimestamp());
                    return counts.Keys.SequenceEqual(["none"]);
                },
                MeshFixture.Patience);
            load.AssertOnly(Good);
        }
        finally
        {
            (await mesh.TryKubectlAsync("delete", "--ignore-not-found", "-f", Path.Combine(folder, "virtual-service-all-v1.yaml"), "-f", Path.Combine(folder, "destination-rule-all.yaml"))).Dispose();
        }
    }

    /// <summary>The page goes on, without its reviews at worst, and has them again without anybody's doing.</summary>
    [Theory]
    [InlineData("proxy", false)]
    [InlineData("agent", true)]
    [InlineData("app", true)]
    public async Task AProcessOfAPodRecoversByItself(string program, bool restartsContainer)
    {
        mesh.Require();
        var pod = (await mesh.KubectlAsync("get", "pods", "-l", "app=reviews,version=v3", "-o", "jsonpath={.items[0].metadata.name}")).Trim();
        var restarts = await RestartsAsync(pod);
        await using var load = await Load.StartAsync(mesh.Gateway, 4);
        await load.CountAsync(20, 0);
        var before = PodProcesses.Kill(pod, program);
        await Eventually.TrueAsync(() => PodProcesses.Find(pod, program) is { } now && now != before, MeshFixture.Patience);
        await Eventually.TrueAsync(
            async () =>
            {
                var counts = await load.CountAsync(30, Stopwatch.GetTimestamp());
                return counts.ContainsKey("red") && counts.Keys.All(Good.Contains);
            },
            MeshFixture.Patience);
        load.AssertOnly([.. Good, "no reviews", "no ratings"]);
        await Eventually.TrueAsync(async () => await RestartsAsync(pod) == restarts + (restartsContainer ? 1 : 0), MeshFixture.Patience);
    }

    private async Task<int> RestartsAsync(string pod) =>
        (await mesh.KubectlAsync("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[*].restartCount}")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Sum(int.Parse);

    /// <summary>Names and restarts of all pods: the same set means that none was touched.</summary>
    private async Task<HashSet<string>> PodsAsync()
    {
        using var list = await mesh.TryKubectlAsync("get", "pods", "-A", "-o", "jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount}{\"\\n\"}{end}");
        return [.. list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
