using System.Runtime.InteropServices;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Interop;

/// <summary>Opens and asks sockets. Errors are returned as negative error numbers, never thrown.</summary>
internal static unsafe class NativeSocket
{
    private const int MaxAddress = 128;

    /// <summary>A non-blocking listening socket that shares its port with the other workers; negative on failure.</summary>
    public static int Listen(in SocketAddress address, int backlog, bool transparent, bool freeBind)
    {
        var fd = Open(address);
        if (fd < 0) return fd;
        Set(fd, Libc.SolSocket, Libc.SoReuseAddr, 1);
        Set(fd, Libc.SolSocket, Libc.SoReusePort, 1);
        if (address.IsV6) Set(fd, Libc.IpProtoIpv6, Libc.Ipv6Only, 1);
        if (freeBind) Set(fd, Libc.IpProtoIp, Libc.IpFreeBind, 1);
        if (transparent) Set(fd, address.IsV6 ? Libc.IpProtoIpv6 : Libc.IpProtoIp, address.IsV6 ? Libc.Ipv6Transparent : Libc.IpTransparent, 1);
        return Bind(fd, address) is var bound and < 0 ? CloseWith(fd, bound)
            : Libc.Listen(fd, backlog) < 0 ? CloseWith(fd, -Marshal.GetLastPInvokeError())
            : fd;
    }

    /// <summary>
    /// Starts to connect; the socket is writable when it is done. <paramref name="source"/> is the address to connect from,
    /// none for any. Negative on failure.
    /// </summary>
    public static int Connect(in SocketAddress target, in SocketAddress source)
    {
        var fd = Open(target);
        if (fd < 0) return fd;
        if (target.Path is null) Set(fd, Libc.IpProtoTcp, Libc.TcpNoDelay, 1);
        if (!source.IsNone && source.IsV6 == target.IsV6)
        {
            Set(fd, Libc.IpProtoIp, Libc.IpFreeBind, 1);
            if (Bind(fd, source) is var bound and < 0) return CloseWith(fd, bound);
        }
        var bytes = stackalloc byte[MaxAddress];
        var length = target.WriteTo(new Span<byte>(bytes, MaxAddress));
        if (Libc.Connect(fd, bytes, length) == 0) return fd;
        var error = Marshal.GetLastPInvokeError();
        return error == Libc.EInProgress ? fd : CloseWith(fd, -error);
    }

    /// <summary>Takes one waiting connection; negative when there is none or on failure.</summary>
    public static int Accept(int listener, out SocketAddress peer)
    {
        var bytes = stackalloc byte[MaxAddress];
        var length = MaxAddress;
        var fd = Libc.Accept(listener, bytes, &length, Libc.SockNonBlock | Libc.SockCloExec);
        peer = fd >= 0 ? SocketAddress.ReadFrom(new ReadOnlySpan<byte>(bytes, length)) : default;
        if (fd < 0) return -Marshal.GetLastPInvokeError();
        Set(fd, Libc.IpProtoTcp, Libc.TcpNoDelay, 1);
        return fd;
    }

    /// <summary>The address that the socket has on this side.</summary>
    public static SocketAddress LocalAddress(int fd)
    {
        var bytes = stackalloc byte[MaxAddress];
        var length = MaxAddress;
        return Libc.GetSockName(fd, bytes, &length) < 0 ? default : SocketAddress.ReadFrom(new ReadOnlySpan<byte>(bytes, length));
    }

    /// <summary>Where the client wanted to go before a REDIRECT rule; none when nothing was redirected. Source: SO_ORIGINAL_DST of netfilter.</summary>
    public static SocketAddress OriginalDestination(int fd, bool isV6)
    {
        var bytes = stackalloc byte[MaxAddress];
        var length = MaxAddress;
        return Libc.GetSockOpt(fd, isV6 ? Libc.IpProtoIpv6 : Libc.IpProtoIp, Libc.SoOriginalDst, bytes, &length) < 0
            ? default
            : SocketAddress.ReadFrom(new ReadOnlySpan<byte>(bytes, length));
    }

    /// <summary>The pending error of a socket; 0 when it is well.</summary>
    public static int Error(int fd)
    {
        int error = 0, length = sizeof(int);
        return Libc.GetSockOpt(fd, Libc.SolSocket, Libc.SoError, &error, &length) < 0 ? Marshal.GetLastPInvokeError() : error;
    }

    /// <summary>Turns on TCP keep-alive; times in seconds, 0 for the system's defaults.</summary>
    public static void KeepAlive(int fd, int idle, int interval, int probes)
    {
        Set(fd, Libc.SolSocket, Libc.SoKeepAlive, 1);
        if (idle > 0) Set(fd, Libc.IpProtoTcp, Libc.TcpKeepIdle, idle);
        if (interval > 0) Set(fd, Libc.IpProtoTcp, Libc.TcpKeepIntvl, interval);
        if (probes > 0) Set(fd, Libc.IpProtoTcp, Libc.TcpKeepCnt, probes);
    }

    private static int Open(in SocketAddress address)
    {
        var family = address.Path is not null ? Libc.AfUnix : address.IsV6 ? Libc.AfInet6 : Libc.AfInet;
        var fd = Libc.Socket(family, Libc.SockStream | Libc.SockNonBlock | Libc.SockCloExec, 0);
        return fd < 0 ? -Marshal.GetLastPInvokeError() : fd;
    }

    private static int Bind(int fd, in SocketAddress address)
    {
        var bytes = stackalloc byte[MaxAddress];
        var length = address.WriteTo(new Span<byte>(bytes, MaxAddress));
        return Libc.Bind(fd, bytes, length) < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    private static void Set(int fd, int level, int name, int value) => _ = Libc.SetSockOpt(fd, level, name, &value, sizeof(int));

    private static int CloseWith(int fd, int error)
    {
        _ = Libc.Close(fd);
        return error;
    }
}
