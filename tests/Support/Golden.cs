using Xunit;

namespace Lateen.Support;

/// <summary>
/// Expected results kept as files in the sources. With LATEEN_REFRESH=1 they are written instead of compared: look at the
/// difference before committing it.
/// </summary>
public static class Golden
{
    private static bool IsRefreshing => Environment.GetEnvironmentVariable("LATEEN_REFRESH") == "1";

    /// <summary>The folder of a test project's sources below <c>tests</c>, found from the running executable.</summary>
    public static string FolderOf(string project, params string[] parts)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Lateen.slnx")))
                return Path.Combine([folder.FullName, "tests", project, .. parts]);
        throw new DirectoryNotFoundException("goldens are compared from inside the repository only");
    }

    /// <summary>Compares a text with a file.</summary>
    public static void Compare(string path, string actual)
    {
        if (IsRefreshing)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }
        Assert.True(File.Exists(path), $"{path} is missing; run once with LATEEN_REFRESH=1");
        var expected = File.ReadAllText(path).ReplaceLineEndings("\n");
        if (expected != actual.ReplaceLineEndings("\n")) Assert.Fail($"{path} differs:\n{Difference(expected, actual)}");
    }

    /// <summary>Compares a set of files with a folder: each must be there, and no other.</summary>
    public static void CompareFolder(string folder, IReadOnlyDictionary<string, string> actual)
    {
        var there = Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)) : [];
        foreach (var name in there.Except(actual.Keys).ToArray())
        {
            Assert.True(IsRefreshing, $"{Path.Combine(folder, name)} is expected and was not produced");
            File.Delete(Path.Combine(folder, name));
        }
        foreach (var (name, content) in actual.OrderBy(file => file.Key, StringComparer.Ordinal)) Compare(Path.Combine(folder, name), content);
    }

    /// <summary>The first differing lines, with two lines before them.</summary>
    private static string Difference(string expected, string actual)
    {
        var (wanted, got) = (expected.Split('\n'), actual.Split('\n'));
        var at = 0;
        while (at < wanted.Length && at < got.Length && wanted[at] == got[at]) at++;
        var lines = wanted[Math.Max(0, at - 2)..at].Select(line => "  " + line)
            .Concat(wanted.Skip(at).Take(8).Select(line => "- " + line))
            .Concat(got.Skip(at).Take(8).Select(line => "+ " + line));
        return $"line {at + 1}\n{string.Join('\n', lines)}";
    }
}
