using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Lateen.Foundation.Interop;

/// <summary>The few calls of POSIX that the class library lacks. Any thread.</summary>
public static partial class Posix
{
    /// <summary>Ask to stop.</summary>
    public const int SigTerm = 15;

    /// <summary>Stop without asking.</summary>
    public const int SigKill = 9;

    private const int NoSuchProcess = 3;

    /// <summary>Effective user id; 0 is root.</summary>
    public static uint EffectiveUserId => GetEUid();

    /// <summary>
    /// Sends a signal to a process, or to a process group when <paramref name="pid"/> is negative. False when there is none.
    /// </summary>
    /// <exception cref="Win32Exception">The signal could not be sent for another reason.</exception>
    public static bool Kill(int pid, int signal)
    {
        if (KillNative(pid, signal) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error, $"kill({pid}, {signal})");
    }

    /// <summary>Gives a file, folder or link another name, replacing what has it, in one step (rename(2)); links are not followed.</summary>
    /// <exception cref="Win32Exception">The file system refused.</exception>
    public static void Rename(string from, string to)
    {
        if (RenameNative(from, to) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), $"rename({from}, {to})");
    }

    /// <summary>Whether a process is there (a zombie counts).</summary>
    public static bool Exists(int pid) => KillNative(pid, 0) == 0 || Marshal.GetLastPInvokeError() != NoSuchProcess;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillNative(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameNative(string from, string to);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEUid();
}
