namespace Lateen.Support;

/// <summary>A folder of its own for one test, gone with it.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Absolute path of the folder.</summary>
    public string FullName { get; } = Directory.CreateTempSubdirectory("lateen-test-").FullName;

    /// <summary>Absolute path of something in the folder.</summary>
    public string PathOf(params string[] parts) => Path.Combine([FullName, .. parts]);

    /// <summary>Writes a file, its folders included, and returns its path.</summary>
    public string Write(string name, string content)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(FullName)) Directory.Delete(FullName, recursive: true);
    }
}
