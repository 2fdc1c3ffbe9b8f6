using System.Globalization;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Processes;

/// <summary>A process, told from a later one with the same number by its start time. Immutable.</summary>
/// <param name="Pid">Process id as this process sees it.</param>
/// <param name="StartTicks">Start time in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)).</param>
public sealed record ProcessIdentity(int Pid, long StartTicks)
{
    /// <summary>Whether it runs; a zombie does not.</summary>
    public bool IsAlive => ReadStat(Pid) is { } stat && stat.StartTicks == StartTicks && stat.State is not ('Z' or 'X');

    /// <summary>Looks at the process that has this number now.</summary>
    /// <returns>Null when there is none.</returns>
    public static ProcessIdentity? TryRead(int pid) => ReadStat(pid) is { } stat ? new ProcessIdentity(pid, stat.StartTicks) : null;

    /// <summary>Sends a signal, unless the process has ended.</summary>
    /// <param name="signal">One of the numbers of <see cref="Posix"/>.</param>
    /// <param name="wholeGroup">To every process of the group that it leads.</param>
    /// <returns>False when it has ended.</returns>
    public bool Signal(int signal, bool wholeGroup = false) => IsAlive && Posix.Kill(wholeGroup ? -Pid : Pid, signal);

    /// <summary>Resident memory in KiB, or 0 when it has ended.</summary>
    public long ReadResidentKiB()
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{Pid}/status"))
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(6).TrimEnd("kB ").Trim(), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It ended in between.
        }
        return 0;
    }

    private static (char State, long StartTicks)? ReadStat(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        // The second field is the program's name in parentheses and may hold anything, parentheses included.
        var rest = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return rest.Length > 19 ? (rest[0][0], long.Parse(rest[19], CultureInfo.InvariantCulture)) : null;
    }
}
