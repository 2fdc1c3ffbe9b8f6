using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lateen.Proxy.Interop;

/// <summary>What a <see cref="TlsBio"/> knows of its socket. Unmanaged memory, owned by one stream.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TlsIo
{
    /// <summary>Handle of the stream, for callbacks that must find it; 0 when none needs to.</summary>
    public nint Owner;

    /// <summary>Bytes that were read from the socket before TLS began; freed when they are used up.</summary>
    public byte* Prefix;

    public int PrefixLength, PrefixAt;

    public int Fd, Error;

    /// <summary>The last receive took all that the socket had.</summary>
    public bool ReadDrained;

    /// <summary>The last send found no room.</summary>
    public bool WriteBlocked;

    /// <summary>The other side has sent FIN.</summary>
    public bool IsEnd;
}

/// <summary>
/// The way of libssl to a socket: one recv or send for each call, which tells what an edge-triggered loop must know (a short read
/// has drained the socket) and spares the read that would only bring EAGAIN. Any thread.
/// </summary>
internal static unsafe class TlsBio
{
    private const int SourceSink = 0x400, ControlFlush = 11, FlagRead = 1, FlagWrite = 2, FlagRetry = 8, FlagsAll = 1 | 2 | 4 | 8;
    private static readonly nint Method = CreateMethod();

    /// <summary>A BIO over <paramref name="io"/>, which must outlive it.</summary>
    public static nint Create(TlsIo* io)
    {
        var bio = OpenSsl.BioNew(Method);
        if (bio == 0) return 0;
        OpenSsl.BioSetData(bio, io);
        OpenSsl.BioSetInit(bio, 1);
        return bio;
    }

    private static nint CreateMethod()
    {
        fixed (byte* name = "lateen"u8)
        {
            var method = OpenSsl.BioMethodNew(OpenSsl.BioNewIndex() | SourceSink, name);
            OpenSsl.BioMethodSetRead(method, &Read);
            OpenSsl.BioMethodSetWrite(method, &Write);
            OpenSsl.BioMethodSetControl(method, &Control);
            return method;
        }
    }

    [UnmanagedCallersOnly]
    private static int Read(nint bio, byte* target, int length)
    {
        var io = (TlsIo*)OpenSsl.BioData(bio);
        OpenSsl.BioClearFlags(bio, FlagsAll);
        if (io->Prefix is not null) return ReadPrefix(io, target, length);
        while (true)
        {
            var count = Libc.Recv(io->Fd, target, length, 0);
            if (count > 0)
            {
                io->ReadDrained = count < length;
                return (int)count;
            }
            if (count == 0)
            {
                io->IsEnd = true;
                return 0;
            }
            var error = Marshal.GetLastPInvokeError();
            if (error == Libc.EIntr) continue;
            if (error == Libc.EAgain)
            {
                io->ReadDrained = true;
                OpenSsl.BioSetFlags(bio, FlagRead | FlagRetry);
            }
            else io->Error = error;
            return -1;
        }
    }

    private static int ReadPrefix(TlsIo* io, byte* target, int length)
    {
        var count = Math.Min(length, io->PrefixLength - io->PrefixAt);
        Unsafe.CopyBlockUnaligned(target, io->Prefix + io->PrefixAt, (uint)count);
        io->PrefixAt += count;
        if (io->PrefixAt == io->PrefixLength) FreePrefix(io);
        return count;
    }

    public static void FreePrefix(TlsIo* io)
    {
        NativeMemory.Free(io->Prefix);
        io->Prefix = null;
    }

    [UnmanagedCallersOnly]
    private static int Write(nint bio, byte* source, int length)
    {
        var io = (TlsIo*)OpenSsl.BioData(bio);
        OpenSsl.BioClearFlags(bio, FlagsAll);
        while (true)
        {
            var count = Libc.Send(io->Fd, source, length, Libc.MsgNoSignal);
            if (count >= 0)
            {
                io->WriteBlocked = count < length;
                return (int)count;
            }
            var error = Marshal.GetLastPInvokeError();
            if (error == Libc.EIntr) continue;
            if (error == Libc.EAgain)
            {
                io->WriteBlocked = true;
                OpenSsl.BioSetFlags(bio, FlagWrite | FlagRetry);
            }
            else io->Error = error;
            return -1;
        }
    }

    [UnmanagedCallersOnly]
    private static nint Control(nint bio, int command, nint number, void* pointer) => command == ControlFlush ? 1 : 0;
}
