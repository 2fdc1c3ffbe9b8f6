using System.Runtime.InteropServices;

namespace Lateen.Foundation.Interop;

/// <summary>Gives files to other users (lchown(2)).</summary>
public static partial class FileOwners
{
    /// <summary>Sets user and group of a file, folder or symbolic link; -1 leaves one as it is.</summary>
    /// <exception cref="IOException">The file is missing, or privilege is.</exception>
    public static void Change(string path, int user, int group) => NativeError.ThrowIfFailed(lchown(path, user, group), $"lchown {path}");

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, int user, int group);
}
