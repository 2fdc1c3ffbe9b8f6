using System.Text.Json.Nodes;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>The page on what the embedded API server serves otherwise than Kubernetes' own says neither too much nor too little.</summary>
[Collection(RealCollection.Name)]
public sealed class ApiDifferencesTests(RealClusterUnderTest real)
{
    [Fact]
    public async Task EverythingThatOneServerAloneServesIsOnThePageWithItsReason()
    {
        var theirs = await ServedAsync(await real.ClientAsync());
        await using var embedded = new EmbeddedClusterUnderTest();
        var ours = await ServedAsync(await embedded.ClientAsync());
        Assert.Equal(Without(theirs, ours), Rows("## Served by kube-apiserver alone"));
        Assert.Equal(Without(ours, theirs), Rows("## Served by the embedded cluster alone"));
    }

    /// <summary>What only the first serves: a whole group version, a resource of it, or a verb of a resource.</summary>
    private static IEnumerable<string> Without(Dictionary<string, HashSet<string>> served, Dictionary<string, HashSet<string>> other)
    {
        var versions = other.Keys.Select(VersionOf).ToHashSet();
        return served.SelectMany(entry => !versions.Contains(VersionOf(entry.Key)) ? [VersionOf(entry.Key)]
            : !other.TryGetValue(entry.Key, out var verbs) ? [entry.Key]
            : entry.Value.Except(verbs).Select(verb => $"{entry.Key} {verb}")).Distinct().Order(StringComparer.Ordinal);
    }

    private static string VersionOf(string resource) => resource.Split(' ')[0];

    private static async Task<Dictionary<string, HashSet<string>>> ServedAsync(ApiClient api)
    {
        var versions = ((JsonArray)(await api.GetAsync("/apis")).Body["groups"]!).SelectMany(group => (JsonArray)group!["versions"]!).Select(version => $"/apis/{version!["groupVersion"]}");
        var served = new Dictionary<string, HashSet<string>>();
        foreach (var path in versions.Prepend("/api/v1").ToList())
        {
            // Kinds that another test has defined are nobody's difference.
            if (path.Split('/') is [_, "apis", var group, ..] && group.Contains('.', StringComparison.Ordinal) && !group.EndsWith(".k8s.io", StringComparison.Ordinal)) continue;
            var list = (await api.GetAsync(path)).Body;
            foreach (var resource in (JsonArray)list["resources"]!)
                served[$"{list["groupVersion"]} {resource!["name"]}"] = [.. ((JsonArray)resource["verbs"]!).Select(verb => (string)verb!)];
        }
        return served;
    }

    /// <summary>The first column of a table, whose reasons must not be empty.</summary>
    private static IEnumerable<string> Rows(string heading)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lateen.slnx"))) folder = folder.Parent!;
        var page = File.ReadAllText(Path.Combine(folder.FullName, "docs", "reference", "kubernetes-api-differences.md"));
        var section = page[(page.IndexOf(heading + "\n", StringComparison.Ordinal) + heading.Length)..].Split("\n## ")[0];
        foreach (var cells in section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|', StringSplitOptions.TrimEntries)))
        {
            Assert.NotEmpty(cells[2]);
            yield return cells[1].Trim('`');
        }
    }
}
