using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lateen.Foundation.Interop;

/// <summary>Moves the calling thread between Linux namespaces.</summary>
/// <remarks>
/// Namespaces belong to threads: the thread pool must never be moved. Call these on a thread made for the purpose and let it end
/// (<c>Processes.NamespaceThread</c> of the embedded cluster does). A child process and a socket keep the namespaces that their
/// creating thread had.
/// </remarks>
public static partial class LinuxNamespaces
{
    private const int CloneFileSystem = 0x200;
    private const int OpenReadCloseOnExec = 0x80000;

    /// <summary>Whether every user of the machine has a number in this process's user namespace, as in the machine's own (user_namespaces(7)).</summary>
    public static bool HasAllUsers { get; } = Mapped("/proc/self/uid_map") == uint.MaxValue;

    /// <summary>How many group ids there are in this process's user namespace.</summary>
    public static uint GroupCount { get; } = Mapped("/proc/self/gid_map");

    /// <summary>Gives the calling thread fresh namespaces of these kinds, and its own root and working directory (unshare(2)).</summary>
    /// <exception cref="IOException">The kernel refused, usually for want of privilege.</exception>
    public static void Unshare(NamespaceKinds kinds) => NativeError.ThrowIfFailed(unshare((int)kinds | CloneFileSystem), $"unshare {kinds}");

    /// <summary>Moves the calling thread into the namespace behind a handle (setns(2)).</summary>
    /// <exception cref="IOException">The handle is no such namespace, or privilege is missing.</exception>
    public static void Enter(SafeFileHandle handle, NamespaceKinds kind)
    {
        // A mount namespace can be entered only by a thread with a root directory of its own.
        if ((kind & NamespaceKinds.Mount) != 0) NativeError.ThrowIfFailed(unshare(CloneFileSystem), "unshare file system state");
        NativeError.ThrowIfFailed(setns(handle, (int)kind), $"setns {kind}");
    }

    /// <summary>Moves the calling thread into the namespace that a file names, such as <c>/run/netns/x</c> or <c>/proc/1/ns/net</c>.</summary>
    /// <exception cref="IOException">The file is missing or is no such namespace.</exception>
    public static void Enter(string path, NamespaceKinds kind)
    {
        using var handle = Open(path);
        Enter(handle, kind);
    }

    /// <summary>Opens a namespace file; the namespace lives at least as long as the handle.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static SafeFileHandle Open(string path)
    {
        var descriptor = NativeError.ThrowIfFailed(open(path, OpenReadCloseOnExec), $"open {path}");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Sets the host name of the calling thread's host-name namespace.</summary>
    /// <exception cref="IOException">The name is too long (64 bytes), or privilege is missing.</exception>
    public static void SetHostName(string name)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(name);
        NativeError.ThrowIfFailed(sethostname(bytes, (nuint)bytes.Length), $"sethostname {name}");
    }

    private static uint Mapped(string file) => File.Exists(file)
        ? (uint)File.ReadLines(file).Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], System.Globalization.CultureInfo.InvariantCulture))
        : uint.MaxValue;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(SafeFileHandle handle, int kind);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sethostname(byte[] name, nuint length);
}
