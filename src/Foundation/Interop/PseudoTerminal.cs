using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Lateen.Foundation.Interop;

/// <summary>The master end of a pseudo-terminal (pty(7)). Owned by one session; reads and writes may come from two threads.</summary>
public sealed partial class PseudoTerminal : IDisposable
{
    private const int ReadWriteNoTtyCloseOnExec = 0x2 | 0x100 | 0x80000;
    private const ulong SetWindowSize = 0x5414;

    private readonly SafeFileHandle _master;

    private PseudoTerminal(SafeFileHandle master, string terminal) => (_master, Terminal) = (master, terminal);

    /// <summary>Path of the terminal that a program opens, such as <c>/dev/pts/3</c>.</summary>
    public string Terminal { get; }

    /// <summary>Opens a new pair.</summary>
    /// <exception cref="IOException">The machine has no free pseudo-terminal.</exception>
    public static PseudoTerminal Open()
    {
        var master = new SafeFileHandle(NativeError.ThrowIfFailed(posix_openpt(ReadWriteNoTtyCloseOnExec), "posix_openpt"), ownsHandle: true);
        NativeError.ThrowIfFailed(grantpt(master), "grantpt");
        NativeError.ThrowIfFailed(unlockpt(master), "unlockpt");
        var name = new byte[64];
        if (ptsname_r(master, name, (nuint)name.Length) != 0) throw new IOException("ptsname_r failed");
        return new PseudoTerminal(master, Encoding.UTF8.GetString(name, 0, Array.IndexOf(name, (byte)0)));
    }

    /// <summary>Tells the program in the terminal its size, in characters.</summary>
    public void Resize(ushort columns, ushort rows)
    {
        var size = new WindowSize { Rows = rows, Columns = columns };
        _ = ioctl(_master, SetWindowSize, ref size);
    }

    /// <summary>Blocks for output of the program.</summary>
    /// <returns>The number of bytes, or 0 when every program has closed the terminal.</returns>
    public unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer) return Math.Max(0, (int)read(_master, start, (nuint)buffer.Length));
    }

    /// <summary>Types these bytes.</summary>
    /// <returns>False when no program is there to read them.</returns>
    public unsafe bool Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            nint count;
            fixed (byte* start = bytes) count = write(_master, start, (nuint)bytes.Length);
            if (count <= 0) return false;
            bytes = bytes[(int)count..];
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _master.Dispose();

    /// <summary>Layout of struct winsize.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows, Columns, WidthPixels, HeightPixels;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_openpt(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int grantpt(SafeFileHandle master);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlockpt(SafeFileHandle master);

    [LibraryImport("libc")]
    private static partial int ptsname_r(SafeFileHandle master, byte[] name, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle master, ulong request, ref WindowSize size);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(SafeFileHandle master, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(SafeFileHandle master, byte* buffer, nuint count);
}
