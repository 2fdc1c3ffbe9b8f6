using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lateen.Foundation.Interop;

/// <summary>Gives back the disk space of a part of a file while its offsets stay (fallocate(2), FALLOC_FL_PUNCH_HOLE).</summary>
public static partial class SparseFiles
{
    private const int PunchHoleKeepSize = 0x2 | 0x1;

    /// <summary>Frees a range of bytes, which then read as zeros.</summary>
    /// <returns>False when the file system cannot do it.</returns>
    public static bool TryFree(SafeFileHandle file, long offset, long length) => fallocate(file, PunchHoleKeepSize, offset, length) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);
}
