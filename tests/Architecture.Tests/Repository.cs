namespace Lateen.Architecture.Tests;

/// <summary>The checkout that these tests read as text.</summary>
internal static class Repository
{
    /// <summary>Absolute path of the folder that holds Lateen.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every project file below a top folder.</summary>
    public static IEnumerable<string> Projects(string folder) => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories);

    /// <summary>Every C# file below a top folder.</summary>
    public static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lateen.slnx")))
            folder = folder.Parent ?? throw new InvalidOperationException("These tests run from inside the repository.");
        return folder.FullName;
    }
}
