using System.Runtime.InteropServices;

namespace Lateen.Foundation.Interop;

/// <summary>Makes named pipes (fifo(7)).</summary>
public static partial class NamedPipes
{
    private const uint AnyoneMayReadAndWrite = 0x1B6; // 0666

    /// <summary>Makes a pipe that every user may open. A writer never blocks a reader's file system: the bytes stay in memory.</summary>
    /// <exception cref="IOException">The path exists or its folder does not.</exception>
    public static void Create(string path)
    {
        NativeError.ThrowIfFailed(mkfifo(path, AnyoneMayReadAndWrite), $"mkfifo {path}");
        // The process's umask took bits away.
        File.SetUnixFileMode(path, (UnixFileMode)AnyoneMayReadAndWrite);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);
}
