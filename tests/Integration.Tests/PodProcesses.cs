using System.Globalization;
using Lateen.Foundation.Interop;

namespace Lateen.Integration.Tests;

/// <summary>Finds processes of this machine by the pod that they belong to, as its host name in their environment tells.</summary>
internal static class PodProcesses
{
    /// <summary>Ends one program of a pod by SIGKILL: "proxy", "agent" or "app".</summary>
    /// <returns>Its process id.</returns>
    public static int Kill(string pod, string program)
    {
        var pid = Find(pod, program) ?? throw new InvalidOperationException($"pod {pod} has no {program}");
        Posix.Kill(pid, Posix.SigKill);
        return pid;
    }

    /// <summary>The process id of a program of a pod; null when it does not run.</summary>
    public static int? Find(string pod, string program)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            try
            {
                var executable = Path.GetFileName(new FileInfo($"{folder}/exe").LinkTarget ?? "");
                var words = File.ReadAllText($"{folder}/cmdline").Split('\0');
                var kind = executable == "bookinfo" ? "app" : executable != "sidecar" ? "" : words.Contains("pilot-agent") ? "agent" : words.Contains("-c") ? "proxy" : "";
                if (kind == program && File.ReadAllText($"{folder}/environ").Split('\0').Contains($"HOSTNAME={pod}")) return pid;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended in between, or is the kernel's.
            }
        }
        return null;
    }
}
