namespace Lateen.Proxy.Interop;

/// <summary>Words for the error numbers that connecting can give; those of Linux.</summary>
internal static class Errors
{
    public static string Text(int error) => error switch
    {
        0 => "Success",
        13 => "Permission denied",
        97 => "Address family not supported by protocol",
        99 => "Cannot assign requested address",
        101 => "Network is unreachable",
        104 => "Connection reset by peer",
        110 => "Connection timed out",
        111 => "Connection refused",
        113 => "No route to host",
        2 => "No such file or directory",
        24 => "Too many open files",
        _ => $"error {error}",
    };
}
