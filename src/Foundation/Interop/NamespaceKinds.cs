namespace Lateen.Foundation.Interop;

/// <summary>The kinds of Linux namespaces, with the values of the CLONE_NEW* flags (see namespaces(7)).</summary>
[Flags]
public enum NamespaceKinds
{
    /// <summary>Mount points.</summary>
    Mount = 0x0002_0000,

    /// <summary>Host name.</summary>
    HostName = 0x0400_0000,

    /// <summary>System V IPC and POSIX message queues.</summary>
    Ipc = 0x0800_0000,

    /// <summary>Process ids; takes effect for the children of the thread that asks, not for itself.</summary>
    Process = 0x2000_0000,

    /// <summary>Network devices, addresses, routes, rules and ports.</summary>
    Network = 0x4000_0000,
}
