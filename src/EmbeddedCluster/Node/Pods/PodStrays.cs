using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Finds processes of pods that no record knows: a runtime that was killed in the middle of a start leaves some.</summary>
internal static class PodStrays
{
    /// <summary>Ends every process of a network namespace whose process namespace belongs to no recorded container.</summary>
    /// <param name="space">The pod's network namespace.</param>
    /// <param name="records">What the disk knows of the pod's containers.</param>
    public static void Kill(NetworkNamespace space, IEnumerable<ContainerRecord> records)
    {
        var known = records.Select(record => record.Process).OfType<ProcessIdentity>().Where(process => process.IsAlive).Select(process => LinkOf(process.Pid, "pid")).ToHashSet();
        foreach (var pid in ProcessesOf(space))
            if (LinkOf(pid, "pid") is { } processes && !known.Contains(processes)) Posix.Kill(pid, Posix.SigKill);
    }

    /// <summary>Ends every process that a pod's environment names and that belongs to no recorded container, where there are no namespaces.</summary>
    /// <param name="uid">The pod's.</param>
    /// <param name="records">What the disk knows of the pod's containers.</param>
    public static void Kill(string uid, IEnumerable<ContainerRecord> records)
    {
        var known = records.Select(record => record.Process).OfType<ProcessIdentity>().Where(process => process.IsAlive).Select(process => process.Pid).ToHashSet();
        foreach (var process in MarkedProcesses.Find(PlainLauncher.PodVariable, uid))
            if (!known.Contains(process.Session)) Posix.Kill(process.Pid, Posix.SigKill);
    }

    /// <summary>Ids of the processes in a network namespace.</summary>
    public static IEnumerable<int> ProcessesOf(NetworkNamespace space)
    {
        if (!space.Exists) yield break;
        var wanted = space.ReadIdentity();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), out var pid) && LinkOf(pid, "net") == wanted) yield return pid;
    }

    private static string? LinkOf(int pid, string kind)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/{kind}").LinkTarget;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
