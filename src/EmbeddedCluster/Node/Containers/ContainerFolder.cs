using System.Globalization;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>The files of one attempt of a container. Immutable.</summary>
/// <param name="Path">Absolute path of the folder.</param>
internal sealed record ContainerFolder(string Path)
{
    /// <summary>The <see cref="ContainerRecord"/>.</summary>
    public string Record => $"{Path}/record.json";

    /// <summary>What the container printed, as it printed it.</summary>
    public string Log => $"{Path}/log";

    /// <summary>When which part of the log was printed.</summary>
    public string LogTimes => $"{Path}/log.times";

    /// <summary>The pipe into which the container prints.</summary>
    public string Output => $"{Path}/out";

    /// <summary>The pipe from which the container reads, when it keeps its standard input.</summary>
    public string Input => $"{Path}/in";

    /// <summary>The exit code as text, once there is one.</summary>
    public string ExitCode => $"{Path}/exit";

    /// <summary>An empty folder on which the container's file system is put together.</summary>
    public string Stage => $"{Path}/stage";

    /// <summary>The folder of an attempt.</summary>
    public static ContainerFolder Of(string podFolder, string container, int attempt) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{podFolder}/containers/{container}/{attempt}"));

    /// <summary>The attempts of a container that the disk knows, oldest first.</summary>
    public static IReadOnlyList<ContainerFolder> Attempts(string podFolder, string container)
    {
        var folder = $"{podFolder}/containers/{container}";
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateDirectories(folder)
            .Select(path => (Path: path, Number: int.TryParse(System.IO.Path.GetFileName(path), CultureInfo.InvariantCulture, out var number) ? number : -1))
            .Where(attempt => attempt.Number >= 0)
            .OrderBy(attempt => attempt.Number)
            .Select(attempt => new ContainerFolder(attempt.Path))];
    }

    /// <summary>Makes the folder with its pipes.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public void Create(bool withInput)
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
        Directory.CreateDirectory(Stage);
        Foundation.Interop.NamedPipes.Create(Output);
        if (withInput) Foundation.Interop.NamedPipes.Create(Input);
    }

    /// <summary>Reads the exit code.</summary>
    /// <returns>Null when the container ended without leaving one, that is by SIGKILL, or has not ended.</returns>
    public int? TryReadExitCode()
    {
        try
        {
            return int.TryParse(File.ReadAllText(ExitCode), CultureInfo.InvariantCulture, out var code) ? code : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
