using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>Starts containers as processes of this machine, in namespaces of their own. Any thread.</summary>
/// <remarks>
/// A container is a shell (process 1 of its process namespace) that starts the program, hands signals on, and writes the program's exit
/// code to the attempt's folder; when it ends, the kernel ends whatever else the container has started. What the container prints goes
/// through a pipe, as programs expect, to a <c>cat</c> that appends it to the log. Neither needs this process any more once started, so
/// a killed runtime harms no container.
/// </remarks>
internal static class ContainerLauncher
{
    // The program runs in the background so that the shell can act on signals meanwhile; wait returns early when one comes.
    private const string FirstProcess = """
        trap 'exit 143' TERM
        exec 3>/run/container/exit 4>/run/container/out
        if [ -e /run/container/in ]; then exec 5<>/run/container/in; else exec 5</dev/null; fi
        exec </dev/null >&4 2>&1 4>&-
        /bin/mount -t proc proc /proc && /bin/umount -l /run/container && /bin/rmdir /run/container || exit 128
        for _signal in TERM INT HUP QUIT USR1 USR2; do trap "kill -$_signal \$_main" $_signal; done
        "$@" 3>&- <&5 5<&- &
        _main=$!
        exec 5<&-
        while :; do
          wait $_main
          _status=$?
          kill -0 $_main 2>/dev/null || break
        done
        echo $_status >&3
        exit $_status
        """;

    private const string Logger = """exec cat "$0/out" >>"$0/log" """;

    // A shell starts background programs with SIGINT and SIGQUIT ignored; coreutils 8.31 can undo that.
    private static readonly Lazy<bool> EnvRestoresSignals = new(() => LocalCommand.TryRunAsync("env", ["--default-signal=INT", "true"]).Result.ExitCode == 0);

    /// <summary>Starts the container; its folder must have been made.</summary>
    /// <exception cref="IOException">Its namespaces or its file system could not be made; the message says which step failed.</exception>
    public static async Task<ProcessIdentity> StartAsync(ContainerPlan plan)
    {
        if (!plan.HasNamespaces) return PlainLauncher.Start(plan);
        var folder = new ContainerFolder(plan.Folder);
        StartDetached("/bin/sh", ["-c", Logger, plan.Folder], plan.Environment, "/").Dispose();
        try
        {
            var prefix = PrivilegePrefix(plan);
            var pid = await NamespaceThread.RunAsync("container start", () =>
            {
                LinuxNamespaces.Enter(plan.NetworkNamespacePath, NamespaceKinds.Network);
                LinuxNamespaces.Unshare(NamespaceKinds.Mount | NamespaceKinds.HostName | NamespaceKinds.Ipc | NamespaceKinds.Process);
                LinuxNamespaces.SetHostName(plan.HostName);
                ContainerRoot.Enter(plan, folder.Stage);
                using var shell = StartDetached("setsid", ["/bin/sh", "-c", FirstProcess, "sh", .. prefix, .. plan.Command], plan.Environment, plan.WorkingDir);
                return shell.Id;
            });
            // Read here, since the thread that started it sees the container's files. A process that has ended already has no time.
            return ProcessIdentity.TryRead(pid) ?? new ProcessIdentity(pid, 0);
        }
        catch (Exception failure)
        {
            // The logger waits for someone to print.
            await File.WriteAllTextAsync(folder.Output, failure.Message + "\n");
            if (failure is Win32Exception) throw new IOException(failure.Message, failure);
            throw;
        }
    }

    /// <summary>The words before a program that undo what the shell did to its signals.</summary>
    public static IReadOnlyList<string> SignalPrefix => EnvRestoresSignals.Value ? ["/usr/bin/env", "--default-signal=INT,QUIT"] : [];

    /// <summary>The words before a program that give it the container's user and undo what the shell did.</summary>
    public static IReadOnlyList<string> PrivilegePrefix(ContainerPlan plan)
    {
        var words = new List<string>(SignalPrefix);
        if (!plan.HasNamespaces) return words;
        if (plan.User == 0 && plan.Group == 0 && plan.SupplementalGroups.Count == 0) return words;
        words.AddRange(["/usr/bin/setpriv", string.Create(CultureInfo.InvariantCulture, $"--reuid={plan.User}"), string.Create(CultureInfo.InvariantCulture, $"--regid={plan.Group}")]);
        words.Add(plan.SupplementalGroups.Count == 0 ? "--clear-groups" : $"--groups={string.Join(',', plan.SupplementalGroups)}");
        return words;
    }

    // Standard streams are this process's own (its log); the child replaces them itself.
    private static Process StartDetached(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, string workingDir)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = workingDir };
        start.Environment.Clear();
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
