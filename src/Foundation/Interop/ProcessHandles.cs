using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lateen.Foundation.Interop;

/// <summary>Waits for processes that are not children of this one (pidfd_open(2), Linux 5.3).</summary>
public static partial class ProcessHandles
{
    private const long OpenCall = 434, EventCall = 290;
    private const short Readable = 1;
    private const int CloseOnExec = 0x80000;

    /// <summary>Opens a handle that becomes readable when the process ends.</summary>
    /// <returns>Null when no such process runs.</returns>
    public static SafeFileHandle? TryOpen(int pid)
    {
        var descriptor = (int)pidfd_open(OpenCall, pid, 0);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Makes a handle that <see cref="Signal"/> makes readable.</summary>
    /// <exception cref="IOException">No descriptor is left.</exception>
    public static SafeFileHandle CreateSignal() =>
        new(NativeError.ThrowIfFailed((int)eventfd2(EventCall, 0, CloseOnExec), "eventfd"), ownsHandle: true);

    /// <summary>Makes the handle of <see cref="CreateSignal"/> readable.</summary>
    public static void Signal(SafeFileHandle handle)
    {
        ulong one = 1;
        _ = write(handle, ref one, sizeof(ulong));
    }

    /// <summary>Makes the handle of <see cref="CreateSignal"/> not readable again.</summary>
    public static void Clear(SafeFileHandle handle)
    {
        ulong count = 0;
        _ = read(handle, ref count, sizeof(ulong));
    }

    /// <summary>Blocks until at least one of the handles is readable.</summary>
    /// <returns>The positions of those that are.</returns>
    public static IReadOnlyList<int> WaitAny(IReadOnlyList<SafeFileHandle> handles)
    {
        var entries = new PollEntry[handles.Count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = new PollEntry { Descriptor = (int)handles[i].DangerousGetHandle(), Events = Readable };
        if (poll(entries, (nuint)entries.Length, -1) <= 0) return [];
        var ready = new List<int>();
        for (var i = 0; i < entries.Length; i++)
            if (entries[i].Result != 0) ready.Add(i);
        return ready;
    }

    /// <summary>Layout of struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Result;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long pidfd_open(long number, int pid, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long eventfd2(long number, uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll([In, Out] PollEntry[] entries, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle handle, ref ulong value, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle handle, ref ulong value, nuint count);
}
