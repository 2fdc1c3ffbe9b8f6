using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>Bookinfo behind the gateway.</summary>
[Collection("mesh")]
public sealed class BookinfoTests(MeshFixture mesh)
{
    [Fact]
    public async Task ThePageIsServedThroughTheGateway()
    {
        mesh.Require();
        using var page = new Page(mesh.Gateway);
        var counts = await page.CountAsync(60);
        Assert.Equal(["black", "none", "red"], counts.Keys.Order());
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
        await Eventually.TrueAsync(async () => (await page.CountAsync(12)).Keys.SequenceEqual([kind]), MeshFixture.Patience);
        Assert.Equal(new Dictionary<string, int> { [kind] = requests }, await page.CountAsync(requests));
    }
}
