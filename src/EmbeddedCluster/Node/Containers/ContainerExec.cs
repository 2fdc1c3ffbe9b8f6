using System.Diagnostics;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>Starts a further program inside a running container. Any thread.</summary>
internal static class ContainerExec
{
    private const string TakeTerminal = """exec <>"$0" >&0 2>&1; exec setsid --ctty "$@" """;

    private static readonly (string File, NamespaceKinds Kind)[] Namespaces =
    [
        ("net", NamespaceKinds.Network), ("uts", NamespaceKinds.HostName), ("ipc", NamespaceKinds.Ipc), ("pid", NamespaceKinds.Process),
        // Last, since the others are opened through this machine's /proc.
        ("mnt", NamespaceKinds.Mount),
    ];

    /// <summary>Starts the program with pipes for its standard streams.</summary>
    /// <exception cref="IOException">The container has ended, or the program cannot be started.</exception>
    public static Task<Process> StartAsync(ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> command) =>
        StartAsync(plan, container, [.. ContainerLauncher.PrivilegePrefix(plan), .. command], redirect: true);

    /// <summary>Starts the program with a terminal as all its standard streams.</summary>
    /// <exception cref="IOException">The container has ended, or the program cannot be started.</exception>
    public static Task<Process> StartAsync(ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> command, PseudoTerminal terminal) =>
        StartAsync(plan, container, ["/bin/sh", "-c", TakeTerminal, terminal.Terminal, .. ContainerLauncher.PrivilegePrefix(plan), .. command], redirect: false);

    private static Task<Process> StartAsync(ContainerPlan plan, ProcessIdentity container, IReadOnlyList<string> words, bool redirect) =>
        NamespaceThread.RunAsync("container exec", () =>
        {
            var start = new ProcessStartInfo(words[0], words.Skip(1))
            {
                WorkingDirectory = plan.WorkingDir,
                RedirectStandardInput = redirect,
                RedirectStandardOutput = redirect,
                RedirectStandardError = redirect,
            };
            start.Environment.Clear();
            foreach (var (name, value) in plan.Environment) start.Environment[name] = value;
            var spaces = plan.HasNamespaces ? Namespaces : [];
            var handles = spaces.Select(space => LinuxNamespaces.Open($"/proc/{container.Pid}/ns/{space.File}")).ToArray();
            try
            {
                // The handles are open: if the process is still the same one, they are the container's.
                if (!container.IsAlive) throw new IOException("the container has ended");
                for (var i = 0; i < handles.Length; i++) LinuxNamespaces.Enter(handles[i], spaces[i].Kind);
                return Process.Start(start)!;
            }
            catch (System.ComponentModel.Win32Exception failure)
            {
                throw new IOException($"{words[0]}: {failure.Message}", failure);
            }
            finally
            {
                foreach (var handle in handles) handle.Dispose();
            }
        });
}
