using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lateen.Proxy.Interop;

/// <summary>One epoll instance. Owned by one worker.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int Capacity = 512;
    /// <summary>struct epoll_event is packed on x86-64 only: 12 bytes there, 16 elsewhere.</summary>
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private readonly int _fd;
    private readonly byte* _events = (byte*)NativeMemory.Alloc((nuint)(Capacity * 16));

    public Epoll()
    {
        _fd = Libc.EpollCreate(Libc.SockCloExec);
        if (_fd < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_create1");
    }

    /// <summary>Adds a descriptor whose events carry <paramref name="data"/>.</summary>
    public void Add(int fd, int events, ulong data)
    {
        var change = stackalloc byte[16];
        Unsafe.WriteUnaligned(change, events);
        Unsafe.WriteUnaligned(change + DataOffset, data);
        if (Libc.EpollControl(_fd, Libc.EpollAdd, fd, change) < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_ctl");
    }

    /// <summary>Waits for events; milliseconds, -1 for ever. Returns how many <see cref="Event"/> can give.</summary>
    public int Wait(int timeout)
    {
        var count = Libc.EpollWait(_fd, _events, Capacity, timeout);
        return count < 0 ? 0 : count;
    }

    /// <summary>The n-th event of the last wait.</summary>
    public (int Events, ulong Data) Event(int n)
    {
        var at = _events + n * EventSize;
        return (Unsafe.ReadUnaligned<int>(at), Unsafe.ReadUnaligned<ulong>(at + DataOffset));
    }

    public void Dispose()
    {
        _ = Libc.Close(_fd);
        NativeMemory.Free(_events);
    }
}
