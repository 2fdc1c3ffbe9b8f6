using System.Runtime.InteropServices;

namespace Lateen.Foundation.Interop;

/// <summary>Changes the mount table of the calling thread's mount namespace.</summary>
/// <remarks>Meant for a thread that has left the machine's own mount namespace (see <see cref="LinuxNamespaces.Unshare"/>).</remarks>
public static partial class LinuxMounts
{
    private const ulong ReadOnly = 1, NoSuid = 2, NoDev = 4, NoExec = 8, Remount = 32, BindFlag = 4096, Recursive = 16384, Private = 1 << 18;
    private const int Detach = 2;
    private const long PivotRootCall = 155;

    /// <summary>Stops mounts made here from reaching any other namespace, and others' from reaching this one.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void MakeAllPrivate() => Mount(null, "/", null, Recursive | Private, null);

    /// <summary>Mounts an empty file system in memory.</summary>
    /// <exception cref="IOException">The target is missing or the kernel refused.</exception>
    public static void MountMemory(string target, string mode) => Mount("tmpfs", target, "tmpfs", NoSuid | NoDev, $"mode={mode}");

    /// <summary>Mounts a view of <paramref name="lower"/> whose changes go to <paramref name="upper"/>; see the kernel's overlayfs.rst.</summary>
    /// <exception cref="IOException">A folder is missing, or the kernel has no overlay file system.</exception>
    public static void MountOverlay(string target, string lower, string upper, string work) =>
        Mount("overlay", target, "overlay", 0, $"lowerdir={lower},upperdir={upper},workdir={work}");

    /// <summary>Mounts the kernel's view of devices for the thread's network namespace.</summary>
    /// <exception cref="IOException">The target is missing or the kernel refused.</exception>
    public static void MountSystem(string target) => Mount("sysfs", target, "sysfs", NoSuid | NoDev | NoExec, null);

    /// <summary>Shows a file or folder at a second place.</summary>
    /// <param name="source">What to show.</param>
    /// <param name="target">An existing file or folder, of the source's kind.</param>
    /// <param name="recursive">With the mounts below it.</param>
    /// <param name="readOnly">Refuse writes through the second place.</param>
    /// <exception cref="IOException">One of the two is missing or the kernel refused.</exception>
    public static void Bind(string source, string target, bool recursive = false, bool readOnly = false)
    {
        Mount(source, target, null, BindFlag | (recursive ? Recursive : 0), null);
        if (readOnly) MakeReadOnly(target);
    }

    // In a user namespace the flags that the machine's mount has must be said again, and which ones it has is not said here.
    private static void MakeReadOnly(string target)
    {
        foreach (var kept in (ulong[])[0, NoSuid, NoSuid | NoDev])
            if (mount(null, target, null, BindFlag | Remount | ReadOnly | kept, null) == 0) return;
        Mount(null, target, null, BindFlag | Remount | ReadOnly | NoSuid | NoDev | NoExec, null);
    }

    /// <summary>Makes a mounted folder the root of every thread of this mount namespace, and drops the old root from it.</summary>
    /// <exception cref="IOException">The folder is no mount point, or the kernel refused.</exception>
    public static void ChangeRoot(string newRoot)
    {
        NativeError.ThrowIfFailed(chdir(newRoot), $"chdir {newRoot}");
        // Old and new root on the same place: the old one then lies on top and is taken away (pivot_root(2), "pivot_root(".", ".")").
        NativeError.ThrowIfFailed((int)pivot_root(PivotRootCall, ".", "."), $"pivot_root {newRoot}");
        NativeError.ThrowIfFailed(umount2(".", Detach), "umount old root");
        NativeError.ThrowIfFailed(chdir("/"), "chdir /");
    }

    /// <summary>Takes a mount away, now for new users and for the others when they are done.</summary>
    /// <returns>False when nothing was mounted there.</returns>
    public static bool Unmount(string target) => umount2(target, Detach) == 0;

    private static void Mount(string? source, string target, string? type, ulong flags, string? options) =>
        NativeError.ThrowIfFailed(mount(source, target, type, flags, options), $"mount {type ?? source} on {target}");

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string? source, string target, string? type, ulong flags, string? options);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chdir(string path);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long pivot_root(long number, string newRoot, string oldRoot);
}
