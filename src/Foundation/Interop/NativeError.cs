using System.Runtime.InteropServices;

namespace Lateen.Foundation.Interop;

/// <summary>Turns a failed system call into an exception that says which call, on what, and why.</summary>
internal static class NativeError
{
    /// <summary>Returns the result when it is not negative.</summary>
    /// <exception cref="IOException">The call failed; HResult is the errno.</exception>
    public static int ThrowIfFailed(int result, string what)
    {
        if (result >= 0) return result;
        var error = Marshal.GetLastPInvokeError();
        throw new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }
}
