using System.Globalization;

namespace Lateen.EmbeddedCluster.Processes;

/// <summary>A process and the session that it belongs to (setsid(2)).</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Session">Process id of the one that began the session.</param>
public readonly record struct SessionProcess(int Pid, int Session);

/// <summary>Finds processes by a variable that they were started with, where no namespace tells them apart. Any thread.</summary>
public static class MarkedProcesses
{
    /// <summary>The processes of this machine that were started with this variable, as far as this user may see.</summary>
    public static IEnumerable<SessionProcess> Find(string variable, string value)
    {
        var wanted = $"{variable}={value}";
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Read(folder, wanted) is { } session)
                yield return new SessionProcess(pid, session);
    }

    private static int? Read(string folder, string wanted)
    {
        try
        {
            if (!File.ReadAllText($"{folder}/environ").Split('\0').Contains(wanted)) return null;
            // Source: proc(5): the session is the fourth field after the name in brackets, which may hold anything.
            var stat = File.ReadAllText($"{folder}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
