using System.Net.Sockets;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Processes;

/// <summary>A named network namespace, as <c>ip netns</c> keeps them. Immutable.</summary>
/// <param name="Name">The name, unique on the machine.</param>
public sealed record NetworkNamespace(string Name)
{
    private const string Folder = "/run/netns";

    /// <summary>The file that holds the namespace.</summary>
    public string Path => $"{Folder}/{Name}";

    /// <summary>Whether the namespace is there.</summary>
    public bool Exists => File.Exists(Path);

    /// <summary>The names on this machine that start with a prefix.</summary>
    public static IReadOnlyList<NetworkNamespace> WithPrefix(string prefix) =>
        Directory.Exists(Folder)
            ? [.. Directory.EnumerateFiles(Folder, prefix + "*").Select(path => new NetworkNamespace(System.IO.Path.GetFileName(path)))]
            : [];

    /// <summary>Makes it.</summary>
    /// <exception cref="IOException">It exists already, or privilege is missing.</exception>
    public Task CreateAsync(CancellationToken cancel = default)
    {
        if (LinuxNamespaces.HasAllUsers) return LocalCommand.RunAsync("ip", ["netns", "add", Name], cancel: cancel);
        // ip returns to the namespace that it came from, which in a user namespace is out of its reach.
        if (Exists) throw new IOException($"the network namespace {Name} exists already");
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path, "");
        return NamespaceThread.RunAsync("namespace", () =>
        {
            LinuxNamespaces.Unshare(NamespaceKinds.Network);
            LinuxMounts.Bind("/proc/thread-self/ns/net", Path);
        }).WaitAsync(cancel);
    }

    /// <summary>Takes the name away; the namespace itself ends with its last process.</summary>
    public Task DeleteAsync(CancellationToken cancel = default) => LocalCommand.TryRunAsync("ip", ["netns", "delete", Name], cancel: cancel);

    /// <summary>What /proc/PID/ns/net says for a process in it, such as <c>net:[4026531840]</c>.</summary>
    /// <exception cref="IOException">It is not there, or privilege is missing.</exception>
    public string ReadIdentity() => NamespaceThread.RunAsync("namespace", () =>
    {
        Enter();
        return new FileInfo("/proc/thread-self/ns/net").LinkTarget!;
    }).GetAwaiter().GetResult();

    /// <summary>Moves the calling thread into it; see <see cref="NamespaceThread"/>.</summary>
    /// <exception cref="IOException">It is not there, or privilege is missing.</exception>
    public void Enter() => LinuxNamespaces.Enter(Path, NamespaceKinds.Network);

    /// <summary>Writes kernel settings that belong to the namespace.</summary>
    /// <param name="settings">Paths below /proc/sys with their values; a setting that this kernel lacks is passed over.</param>
    /// <param name="cancel">Stops waiting.</param>
    public Task WriteSettingsAsync(IReadOnlyList<(string Path, string Value)> settings, CancellationToken cancel = default) =>
        NamespaceThread.RunAsync("sysctl", () =>
        {
            Enter();
            foreach (var (path, value) in settings)
                if (File.Exists($"/proc/sys/{path}")) File.WriteAllText($"/proc/sys/{path}", value);
        }).WaitAsync(cancel);

    /// <summary>Makes sockets in the namespace; from then on they may be used anywhere.</summary>
    public Task<Socket> CreateSocketAsync(SocketType type = SocketType.Stream, ProtocolType protocol = ProtocolType.Tcp) =>
        NamespaceThread.RunAsync("socket", () =>
        {
            Enter();
            return new Socket(AddressFamily.InterNetwork, type, protocol);
        });
}
