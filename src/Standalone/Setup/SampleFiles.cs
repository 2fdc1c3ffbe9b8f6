namespace Lateen.Standalone.Setup;

/// <summary>The YAML that comes with the programs: beside them when published, else in the repository above them.</summary>
internal static class SampleFiles
{
    public static IReadOnlyList<string> Bookinfo() => [Path.Combine(Folder("samples"), "Bookinfo", "bookinfo.yaml"), Path.Combine(Folder("samples"), "Bookinfo", "gateway.yaml")];

    public static IReadOnlyList<string> CustomResourceDefinitions()
    {
        var folder = Path.Combine(Folder("deploy"), "crds");
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal)] : [];
    }

    private static string Folder(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Directory.Exists(Path.Combine(folder.FullName, name)))
                return Path.Combine(folder.FullName, name);
        throw new DirectoryNotFoundException($"the folder {name} is neither beside the programs nor above them");
    }
}
