using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>The API server dies at any moment and comes back with everything that it acknowledged.</summary>
public sealed class SurvivalTests : IDisposable
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    private readonly TempFolder _folder = new();
    private readonly int _port = FreePorts.Many(1)[0];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TwentyKillsDuringAThousandWritesLoseNothing()
    {
        using var server = new ServerProcess(_folder, _port);
        var acknowledged = new ConcurrentDictionary<string, (string Value, long Revision)>();
        var deleted = new ConcurrentDictionary<string, bool>();
        using var done = new CancellationTokenSource();
        var client = await server.StartAsync();
        long highest = 0;
        var written = 0;
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                var name = $"m{writer}-{i}";
                try
                {
                    var body = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["data"] = new JsonObject { ["key"] = "1" } };
                    if ((await client.PostAsync(Maps, body)) is { Code: 201 } made) Acknowledge(name, "1", made);
                    if ((await client.PatchAsync($"{Maps}/{name}", "merge", """{"data":{"key":"2"}}""")) is { Code: 200 } changed) Acknowledge(name, "2", changed);
                    if (i % 5 == 4 && (await client.DeleteAsync($"{Maps}/{name}")).Code == 200) deleted[name] = true;
                }
                catch (Exception dead) when (dead is HttpRequestException or IOException or OperationCanceledException)
                {
                    await Task.Delay(5);
                }
            }
        }, TestContext.Current.CancellationToken)).ToArray();
        for (var kill = 0; kill < 20 || Volatile.Read(ref written) < 1000; kill++)
        {
            var target = Volatile.Read(ref written) + 50;
            await Eventually.TrueAsync(() => Volatile.Read(ref written) >= target, TimeSpan.FromSeconds(60), "the writers make progress");
            server.Kill();
            var before = Volatile.Read(ref highest);
            var next = await server.StartAsync();
            var list = await next.GetAsync(Maps);
            Assert.True(Revision(list) >= before, $"the revision went back from {before} to {Revision(list)}");
            client = next;
        }
        await done.CancelAsync();
        await Task.WhenAll(writers);
        var items = ((JsonArray)(await client.GetAsync(Maps)).Body["items"]!).ToDictionary(item => (string)item!["metadata"]!["name"]!, item => (string?)item!["data"]!["key"]);
        foreach (var (name, (value, _)) in acknowledged)
        {
            if (deleted.ContainsKey(name)) Assert.False(items.ContainsKey(name), $"{name} was deleted and is there");
            else if (items.TryGetValue(name, out var found)) Assert.True(string.CompareOrdinal(found, value) >= 0, $"{name} has {found} after {value} was acknowledged");
            // A deletion may have been done without its answer having arrived.
            else Assert.True((int.Parse(name.Split('-')[1], CultureInfo.InvariantCulture) % 5) == 4, $"{name} is lost");
        }

        void Acknowledge(string name, string value, ApiAnswer answer)
        {
            var revision = Revision(answer);
            acknowledged[name] = (value, revision);
            Interlocked.Increment(ref written);
            for (var seen = Volatile.Read(ref highest); revision > seen; seen = Volatile.Read(ref highest))
                if (Interlocked.CompareExchange(ref highest, revision, seen) == seen) break;
        }
    }

    [Fact]
    public async Task AWatchResumesAfterADeathOrIsToldThatItsRevisionIsGone()
    {
        using var server = new ServerProcess(_folder, _port);
        var client = await server.StartAsync();
        var start = (await client.GetAsync(Maps)).Revision;
        await client.PostAsync(Maps, Map("a"));
        server.Kill();
        client = await server.StartAsync();
        await client.PostAsync(Maps, Map("b"));
        using var watch = await client.WatchAsync($"{Maps}?watch=1&resourceVersion={start}&fieldSelector=metadata.name!=kube-root-ca.crt");
        Assert.Equal("ADDED a", await watch.NextTextAsync());
        Assert.Equal("ADDED b", await watch.NextTextAsync());
        for (var i = 0; i < 4200; i += 50)
            await Task.WhenAll(Enumerable.Range(i, 50).Select(number => client.PatchAsync($"{Maps}/a", "merge", $$$"""{"data":{"n{{{number % 50}}}":"{{{number}}}"}}""")));
        using var late = await client.WatchAsync($"{Maps}?watch=1&resourceVersion={start}");
        Assert.Equal(410, late.Code);
    }

    [Fact]
    public async Task ItStopsWhenAskedAndKeepsItsKeys()
    {
        using var server = new ServerProcess(_folder, _port);
        var client = await server.StartAsync("--create-namespace", "istio-system");
        Assert.Equal(200, (await client.GetAsync("/api/v1/namespaces/istio-system")).Code);
        using var watch = await client.WatchAsync(Maps + "?watch=1");
        Assert.Equal(0, await server.StopAsync());
        var before = await File.ReadAllTextAsync(server.Kubeconfig, TestContext.Current.CancellationToken);
        await server.StartAsync();
        Assert.Equal(before, await File.ReadAllTextAsync(server.Kubeconfig, TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Kubeconfig));
    }

    private static JsonObject Map(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };

    private static long Revision(ApiAnswer answer) => long.Parse(answer.Revision, CultureInfo.InvariantCulture);
}
