using System.Diagnostics;
using Lateen.EmbeddedCluster.Processes;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>Starts containers as ordinary processes of this machine, where namespaces cannot be had. Any thread.</summary>
/// <remarks>
/// A container is a session of its own: a shell that starts the program, hands signals on, writes the program's exit code to the
/// attempt's folder, and ends what is left of the session. All run as the mesh's own user and see the machine's own files; what a
/// namespace would show them is told by their environment: <see cref="PodVariable"/>, links on PATH, and paths of volumes put where
/// the specification names mount points (<see cref="VisiblePaths"/>).
/// </remarks>
internal static class PlainLauncher
{
    /// <summary>Holds the pod's uid: by it, processes that no record knows are found.</summary>
    public const string PodVariable = "LATEEN_POD";

    // As in a namespace, but for the end: there the kernel ends the rest, here the shell does.
    private const string FirstProcess = """
        trap 'exit 143' TERM
        exec 3>"$0/exit" 4>"$0/out"
        if [ -e "$0/in" ]; then exec 5<>"$0/in"; else exec 5</dev/null; fi
        exec </dev/null >&4 2>&1 4>&-
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
        kill -KILL -$$
        """;

    private const string Logger = """exec cat "$0/out" >>"$0/log" """;

    /// <summary>Starts the container; its folder must have been made.</summary>
    /// <exception cref="IOException">A program of the machine is missing.</exception>
    public static ProcessIdentity Start(ContainerPlan plan)
    {
        var links = Directory.CreateDirectory(LinkFolder(plan.Folder)).FullName;
        foreach (var (path, target) in plan.Links) File.CreateSymbolicLink(Path.Combine(links, Path.GetFileName(path)), target);
        try
        {
            StartDetached(["/bin/sh", "-c", Logger, plan.Folder], plan).Dispose();
            using var shell = StartDetached(["setsid", "/bin/sh", "-c", FirstProcess, plan.Folder, .. ContainerLauncher.SignalPrefix, .. plan.Command], plan);
            return ProcessIdentity.TryRead(shell.Id) ?? new ProcessIdentity(shell.Id, 0);
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new IOException(failure.Message, failure);
        }
    }

    /// <summary>Where an attempt's links lie; first on the container's PATH.</summary>
    public static string LinkFolder(string attempt) => attempt + "/bin";

    private static Process StartDetached(IReadOnlyList<string> words, ContainerPlan plan)
    {
        var start = new ProcessStartInfo(words[0], words.Skip(1)) { WorkingDirectory = Directory.Exists(plan.WorkingDir) ? plan.WorkingDir : "/" };
        start.Environment.Clear();
        foreach (var (name, value) in plan.Environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
