using Xunit;

namespace Lateen.Support;

/// <summary>
/// The public data that tests read: Istio's YAML, recorded xDS, protocol test vectors. It lies beside the repository in
/// <c>shared/corpora</c>, or where the variable LATEEN_SHARED says; a test that finds none is skipped.
/// </summary>
public static class Corpora
{
    private static readonly Lazy<string?> Found = new(Find);

    /// <summary>The folder that holds <c>corpora</c> and <c>tools</c>, or null.</summary>
    public static string? SharedFolder => Found.Value;

    /// <summary>Absolute path of a file or folder of the corpora; the test is skipped when it is not there.</summary>
    public static string Require(params string[] parts)
    {
        Assert.SkipWhen(SharedFolder is null, "the shared corpora are not on this machine");
        var path = Path.Combine([SharedFolder!, "corpora", .. parts]);
        Assert.SkipUnless(Path.Exists(path), $"the corpora have no {string.Join('/', parts)}");
        return path;
    }

    /// <summary>Every file below a folder of the corpora with one of the endings, sorted by path.</summary>
    public static IReadOnlyList<string> Files(string folder, params string[] endings) =>
        [.. Directory.EnumerateFiles(Require(folder), "*", SearchOption.AllDirectories)
            .Where(file => endings.Length == 0 || endings.Any(file.EndsWith))
            .Order(StringComparer.Ordinal)];

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("LATEEN_SHARED") is { Length: > 0 } given) return Directory.Exists(given) ? given : null;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared");
            if (Directory.Exists(Path.Combine(candidate, "corpora"))) return candidate;
        }
        return null;
    }
}
