using System.Diagnostics;
using System.Globalization;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;
using Lateen.Standalone.Layout;

namespace Lateen.Standalone.Setup;

/// <summary>The kernel, or the machine's settings, let this user have no namespace.</summary>
internal sealed class UserNamespaceException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Makes an ordinary user root of a namespace of users and mounts, in which a mesh can have network namespaces as root's has: the
/// command is run again in there. Needs newuidmap and a range of user ids of this user's own (subuid(5)), since a pod has more users than one.
/// </summary>
/// <remarks>
/// 1. `unshare` makes the namespaces and waits. 2. newuidmap and newgidmap give them this user as root and the range as users 1 and up.
/// 3. The command runs on, and makes /run, where network namespaces are kept, its own. Commands on a mesh that runs join its namespaces.
/// </remarks>
internal static class UserNamespace
{
    private const int WantedIds = 65536, FewestIds = 2000;

    /// <summary>Whether this process is an ordinary user's, outside such a namespace.</summary>
    public static bool IsNeeded => Posix.EffectiveUserId != 0;

    /// <summary>What this machine lacks, for a person; null when a namespace can be had.</summary>
    public static string? FindProblem()
    {
        foreach (var program in new[] { "unshare", "newuidmap", "newgidmap" })
            if (!LocalCommand.Exists(program)) return $"without root it takes the program {program} (Debian: apt-get install util-linux uidmap)";
        foreach (var file in new[] { "/etc/subuid", "/etc/subgid" })
            if (Range(file) is null) return $"without root it takes a line for {Environment.UserName} with at least {FewestIds} ids in {file}: 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {Environment.UserName}'";
        return null;
    }

    /// <summary>Runs this command again as root of a new namespace.</summary>
    /// <returns>What it ended with.</returns>
    /// <exception cref="UserNamespaceException">The namespace could not be made.</exception>
    public static async Task<int> RunInNewAsync(string command)
    {
        // 1.
        var start = new ProcessStartInfo("unshare", ["--user", "--mount", "--propagation", "private", "/bin/sh", "-c", "read -r _go && exec \"$@\" </dev/null", "sh", .. Again(command)]) { RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        try
        {
            await UntilApartAsync(process);
            // 2.
            await MapAsync("newuidmap", process.Id, Posix.EffectiveUserId, Range("/etc/subuid")!.Value);
            await MapAsync("newgidmap", process.Id, GroupId(), Range("/etc/subgid")!.Value);
        }
        catch (IOException e)
        {
            process.Kill();
            throw new UserNamespaceException($"this user's own namespace could not be made: {e.Message}", e);
        }
        // 3.
        await process.StandardInput.WriteLineAsync("go");
        process.StandardInput.Close();
        return await FollowAsync(process);
    }

    /// <summary>Runs this command again in the namespace of a mesh that runs, or in a new one when it does not run any more.</summary>
    /// <returns>What it ended with; null when no ordinary user's mesh is in the folder.</returns>
    public static async Task<int?> RunWithMeshAsync(MeshLayout layout, string command)
    {
        if (!File.Exists(layout.UserNamespaceFile)) return null;
        var wanted = await File.ReadAllTextAsync(layout.UserNamespaceFile);
        if (FindProcess(wanted) is not { } member) return await RunInNewAsync(command);
        using var process = Process.Start(new ProcessStartInfo("nsenter", ["--user", "--mount", "--target", $"{member}", "--", .. Again(command)]))!;
        return await FollowAsync(process);
    }

    /// <summary>Prepares this process's namespaces for a mesh; does nothing for the machine's own root.</summary>
    public static void Prepare(MeshLayout layout)
    {
        if (LinuxNamespaces.HasAllUsers) return;
        var stage = Path.Combine(layout.StateFolder, "run");
        Directory.CreateDirectory(stage);
        LinuxMounts.MountMemory(stage, "0755");
        // The machine's /run stays visible, where its list of name servers may be, but for its network namespaces.
        foreach (var entry in new DirectoryInfo("/run").EnumerateFileSystemInfos().Where(entry => entry.Name != "netns"))
        {
            var target = Path.Combine(stage, entry.Name);
            if (entry.LinkTarget is { } link) File.CreateSymbolicLink(target, link);
            else if (entry is DirectoryInfo)
            {
                Directory.CreateDirectory(target);
                LinuxMounts.Bind(entry.FullName, target, recursive: true);
            }
        }
        Directory.CreateDirectory(Path.Combine(stage, "netns"));
        LinuxMounts.Bind(stage, "/run", recursive: true);
        LinuxMounts.Unmount(stage);
        Directory.Delete(stage);
    }

    /// <summary>Notes down where a mesh's namespaces are found; nothing for the machine's own root.</summary>
    public static void Note(MeshLayout layout)
    {
        if (!LinuxNamespaces.HasAllUsers) File.WriteAllText(layout.UserNamespaceFile, LinkOf("self")!);
    }

    private static IEnumerable<string> Again(string command)
    {
        var words = Environment.GetCommandLineArgs()[1..];
        return [Environment.ProcessPath!, .. words.FirstOrDefault() == command ? words : [command, .. words]];
    }

    private static async Task UntilApartAsync(Process process)
    {
        var own = LinkOf("self");
        for (var tries = 0; LinkOf($"{process.Id}") is not { } theirs || theirs == own; tries++)
        {
            if (process.HasExited || tries > 500) throw new IOException("unshare did not make one");
            await Task.Delay(10);
        }
    }

    private static Task MapAsync(string program, int pid, uint self, (long First, long Count) range) =>
        LocalCommand.RunAsync(program, [$"{pid}", "0", $"{self}", "1", "1", $"{range.First}", $"{Math.Min(range.Count, WantedIds)}"]);

    private static async Task<int> FollowAsync(Process process)
    {
        // Ctrl-C reaches it as well, being of the same terminal; what only this process is told is handed on.
        Console.CancelKeyPress += (_, press) => press.Cancel = true;
        using var stop = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            if (!process.HasExited) Posix.Kill(process.Id, Posix.SigTerm);
        });
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    /// <summary>The first range that a file gives this user, by name or by number.</summary>
    private static (long First, long Count)? Range(string file)
    {
        if (!File.Exists(file)) return null;
        var self = new[] { Environment.UserName, Posix.EffectiveUserId.ToString(CultureInfo.InvariantCulture) };
        foreach (var parts in File.ReadLines(file).Select(line => line.Split(':')))
            if (parts.Length == 3 && self.Contains(parts[0]) && long.TryParse(parts[1], out var first) && long.TryParse(parts[2], out var count) && count >= FewestIds) return (first, count);
        return null;
    }

    private static uint GroupId() => uint.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("Gid:", StringComparison.Ordinal)).Split('\t')[2], CultureInfo.InvariantCulture);

    private static int? FindProcess(string space)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && LinkOf(Path.GetFileName(folder)) == space) return pid;
        return null;
    }

    private static string? LinkOf(string process)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/user").LinkTarget;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
