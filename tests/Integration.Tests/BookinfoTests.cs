using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>Istio's task pages on its own YAML, of both ages: each file changes traffic as its page says, within two seconds.</summary>
[Collection("mesh")]
public sealed class BookinfoTests(MeshFixture mesh)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task ThePageIsServedThroughTheGateway()
    {
        mesh.Require();
        using var page = new Page(mesh.Gateway);
        var counts = await page.CountAsync(60);
        Assert.Equal(["black", "none", "red"], counts.Keys.Order());
    }

    [Theory]
    [InlineData("istio-1.30.3")]
    [InlineData("istio-1.1.17")]
    public async Task TheRoutingTasksDoWhatTheyPromise(string age)
    {
        mesh.Require();
        var folder = Corpora.Require(age, "samples", "bookinfo", "networking");
        Task ApplyAsync(params string[] files) => mesh.KubectlAsync(["apply", .. files.SelectMany(file => new[] { "-f", Path.Combine(folder, file + ".yaml") })]);
        using var anyone = new Page(mesh.Gateway);
        using var jason = new Page(mesh.Gateway);
        try
        {
            await ApplyAsync("destination-rule-all", "virtual-service-all-v1", "bookinfo-gateway");
            await BecomesAsync(anyone, "none", 40);

            await ApplyAsync("virtual-service-reviews-test-v2");
            await jason.SignInAsync("jason");
            await BecomesAsync(jason, "black", 20);
            await BecomesAsync(anyone, "none", 20);

            await ApplyAsync("virtual-service-ratings-test-abort");
            await BecomesAsync(jason, "no ratings", 10);
            await BecomesAsync(anyone, "none", 10);

            // Ratings are delayed by 7 s; reviews v2 would wait 10 s, but the page itself gives up after twice 3 s.
            await ApplyAsync("virtual-service-ratings-test-delay");
            await Eventually.TrueAsync(async () => await jason.ReadAsync() == "no reviews", TimeSpan.FromSeconds(15));
            await BecomesAsync(anyone, "none", 10);

            await ApplyAsync("virtual-service-all-v1", "virtual-service-reviews-50-v3");
            await Eventually.TrueAsync(async () => (await anyone.CountAsync(10)).ContainsKey("red"), Soon * 2);
            var halves = await anyone.CountAsync(200);
            Assert.Equal(["none", "red"], halves.Keys.Order());
            Assert.InRange(halves["red"], 60, 140);
        }
        finally
        {
            (await mesh.TryKubectlAsync("delete", "--ignore-not-found", "-f", Path.Combine(folder, "virtual-service-all-v1.yaml"), "-f", Path.Combine(folder, "destination-rule-all.yaml"))).Dispose();
        }
    }

    [Fact]
    public async Task ARouteToAMissingSubsetIsServed503UntilTheSubsetExists()
    {
        mesh.Require();
        var folder = Corpora.Require("istio-1.30.3", "samples", "bookinfo", "networking");
        using var page = new Page(mesh.Gateway);
        try
        {
            await mesh.KubectlAsync("apply", "-f", Path.Combine(folder, "virtual-service-reviews-v3.yaml"));
            await BecomesAsync(page, "no reviews", 5);
            await mesh.KubectlAsync("apply", "-f", Path.Combine(folder, "destination-rule-all.yaml"));
            await BecomesAsync(page, "red", 20);
        }
        finally
        {
            (await mesh.TryKubectlAsync("delete", "--ignore-not-found", "-f", Path.Combine(folder, "virtual-service-reviews-v3.yaml"), "-f", Path.Combine(folder, "destination-rule-all.yaml"))).Dispose();
        }
    }

    /// <summary>The page shows this soon, and from then on nothing else. Twelve alike are no accident even where two versions share.</summary>
    private static async Task BecomesAsync(Page page, string kind, int requests)
    {
        await Eventually.TrueAsync(async () => (await page.CountAsync(12)).Keys.SequenceEqual([kind]), Soon * 2);
        Assert.Equal(new Dictionary<string, int> { [kind] = requests }, await page.CountAsync(requests));
    }
}
