using System.Globalization;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>The files of one attempt of a container. Immutable.</summary>
/// <param name="Path">Absolute path of the folder.</param>
internal sealed record ContainerFolder(string Path)
{
    /// <summary>The <see cref="ContainerRecord"/>.</summary>
    public string Record => $"{Path}/record.json";

    /// <summary>The <see cref="ContainerPlan"/>; it holds secrets.</summary>
    public string Plan => $"{Path}/plan.json";

    /// <summary>What the container printed, as it printed it.</summary>
    public string Log => $"{Path}/log";

    /// <summary>When which part of the log was printed.</summary>
    public string LogTimes => $"{Path}/log.times";

    /// <summary>Offset of the oldest byte that the log still has, as text; missing while it has all.</summary>
    public string LogStart => $"{Path}/log.start";

    /// <summary>The pipe into which the container prints.</summary>
    public string Output => $"{Path}/out";

    /// <summary>The pipe from which the container reads, when it keeps its standard input.</summary>
    public string Input => $"{Path}/in";

    /// <summary>The exit code as text, once there is one.</summary>
    public string ExitCode => $"{Path}/exit";

    /// <summary>What the container has to say about its end.</summary>
    public string TerminationMessage => $"{Path}/termination-message";

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

    /// <summary>The records of every attempt of every container of a pod.</summary>
    public static IReadOnlyList<ContainerRecord> AllRecords(string podFolder)
    {
        if (!Directory.Exists($"{podFolder}/containers")) return [];
        return [.. Directory.EnumerateDirectories($"{podFolder}/containers")
            .SelectMany(path => Attempts(podFolder, System.IO.Path.GetFileName(path)))
            .Select(attempt => NodeJson.TryRead(attempt.Record, NodeJson.Default.ContainerRecord))
            .OfType<ContainerRecord>()];
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

    /// <summary>Reads what the container says about its end, at most 4096 bytes as kubelet takes.</summary>
    public string ReadTerminationMessage()
    {
        try
        {
            using var stream = File.OpenRead(TerminationMessage);
            var bytes = new byte[4096];
            return System.Text.Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
