using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Network;

/// <summary>
/// One connected socket, edge-triggered: tries are made at once, waits only after "would block". One wait for reading and
/// one for writing may be open at a time; <see cref="Abort"/> ends both. Owned by one worker.
/// </summary>
internal sealed class TcpStream : ByteStream
{
    private readonly Worker _worker;
    private readonly Events _events;
    private readonly Readiness _reading;
    private readonly Readiness _writing;
    private int _fd;
    private int _error;
    private bool _readable;
    private bool _writable;
    private bool _peerClosed;
    private bool _readerWaitsForRoom;

    public TcpStream(Worker worker, int fd, bool connected)
    {
        (_worker, _fd) = (worker, fd);
        (_events, _reading, _writing) = (new Events(this), new Readiness(), new Readiness());
        (_readable, _writable) = (connected, connected);
        worker.Register(_events, fd, Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup | Libc.EpollEdge);
    }

    public override Worker Worker => _worker;

    public override int Fd => _fd;

    public override int Error => _error;

    public override bool PeerClosed => _peerClosed;

    public override Action? OnIdleEvent { get; set; }

    /// <summary>A receive may bring something, as far as epoll has told.</summary>
    public bool MayReceive => _readable || _peerClosed;

    /// <summary>A send may find room.</summary>
    public bool MaySend => _writable;

    /// <summary>One that receives by itself has emptied the socket: the next bytes make a new edge.</summary>
    public void MarkDrained()
    {
        if (!_peerClosed) _readable = false;
    }

    /// <summary>One that sends by itself has filled the socket.</summary>
    public void MarkFull() => _writable = false;

    /// <summary>The reader can only go on when there is room to send: TLS owes the peer an answer.</summary>
    public void WakeReaderWhenWritable() => _readerWaitsForRoom = true;

    public override unsafe IoStatus TryReceive(Span<byte> target, out int received)
    {
        received = 0;
        if (_fd < 0) return IoStatus.Failed;
        if (!_readable && !_peerClosed) return IoStatus.WouldBlock;
        while (true)
        {
            nint count;
            fixed (byte* at = target) count = Libc.Recv(_fd, at, target.Length, 0);
            if (count > 0)
            {
                received = (int)count;
                // A short read has drained the socket: the next bytes make a new edge.
                if (received < target.Length && !_peerClosed) _readable = false;
                return IoStatus.Ok;
            }
            if (count == 0) return IoStatus.End;
            var error = Marshal.GetLastPInvokeError();
            if (error == Libc.EIntr) continue;
            if (error == Libc.EAgain)
            {
                _readable = false;
                return IoStatus.WouldBlock;
            }
            _error = error;
            return IoStatus.Failed;
        }
    }

    public override unsafe IoStatus TrySend(ReadOnlySpan<byte> source, out int sent)
    {
        sent = 0;
        if (_fd < 0) return IoStatus.Failed;
        if (!_writable) return IoStatus.WouldBlock;
        nint count;
        fixed (byte* at = source)
            while ((count = Libc.Send(_fd, at, source.Length, Libc.MsgNoSignal)) < 0 && Marshal.GetLastPInvokeError() == Libc.EIntr)
            {
            }
        return AfterSend(count, source.Length, out sent);
    }

    public override unsafe IoStatus TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, out int sent)
    {
        if (second.IsEmpty) return TrySend(first, out sent);
        if (first.IsEmpty) return TrySend(second, out sent);
        sent = 0;
        if (_fd < 0) return IoStatus.Failed;
        if (!_writable) return IoStatus.WouldBlock;
        nint count;
        fixed (byte* a = first, b = second)
        {
            var vectors = stackalloc Libc.IoVec[2];
            vectors[0] = new Libc.IoVec { Base = a, Length = first.Length };
            vectors[1] = new Libc.IoVec { Base = b, Length = second.Length };
            while ((count = Libc.WriteV(_fd, vectors, 2)) < 0 && Marshal.GetLastPInvokeError() == Libc.EIntr)
            {
            }
        }
        return AfterSend(count, first.Length + second.Length, out sent);
    }

    public override ValueTask<bool> ReadableAsync() =>
        _fd < 0 ? new ValueTask<bool>(false) : _readable || _peerClosed ? new ValueTask<bool>(true) : _reading.Wait();

    public override ValueTask<bool> WritableAsync() => _fd < 0 ? new ValueTask<bool>(false) : _writable ? new ValueTask<bool>(true) : _writing.Wait();

    /// <summary>Completes when an outgoing connection is made; 0, or the error number.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ConnectedAsync()
    {
        if (!await WritableAsync()) return Libc.EConnReset;
        return _error != 0 ? _error : NativeSocket.Error(_fd);
    }

    public override void ShutdownSending()
    {
        if (_fd >= 0) _ = Libc.Shutdown(_fd, Libc.ShutWr);
    }

    public override void Abort()
    {
        _reading.Complete(false);
        _writing.Complete(false);
    }

    public override void Close()
    {
        if (_fd < 0) return;
        _worker.Unregister(_events);
        _ = Libc.Close(_fd);
        _fd = -1;
        Abort();
    }

    private void OnEvents(int events)
    {
        if ((events & (Libc.EpollRdHup | Libc.EpollHup | Libc.EpollErr)) != 0) _peerClosed = true;
        if ((events & (Libc.EpollOut | Libc.EpollHup | Libc.EpollErr)) != 0)
        {
            _writable = true;
            if (_readerWaitsForRoom)
            {
                _readerWaitsForRoom = false;
                _readable = true;
                _reading.Complete(true);
            }
            _writing.Complete(true);
        }
        if ((events & (Libc.EpollIn | Libc.EpollRdHup | Libc.EpollHup | Libc.EpollErr)) != 0)
        {
            _readable = true;
            if (!_reading.Complete(true)) OnIdleEvent?.Invoke();
        }
    }

    private IoStatus AfterSend(nint count, int wanted, out int sent)
    {
        sent = 0;
        if (count >= 0)
        {
            sent = (int)count;
            if (sent < wanted) _writable = false;
            return IoStatus.Ok;
        }
        _error = Marshal.GetLastPInvokeError();
        if (_error != Libc.EAgain) return IoStatus.Failed;
        _error = 0;
        _writable = false;
        return IoStatus.WouldBlock;
    }

    /// <summary>What epoll knows of the stream: a stream that wraps another has no descriptor of its own to watch.</summary>
    private sealed class Events(TcpStream stream) : IoSource
    {
        internal override void OnEvents(int events) => stream.OnEvents(events);
    }

    /// <summary>One reusable wait; its continuation runs inline in the worker's loop.</summary>
    private sealed class Readiness : IValueTaskSource<bool>
    {
        private ManualResetValueTaskSourceCore<bool> _core;
        private bool _waiting;

        public ValueTask<bool> Wait()
        {
            _core.Reset();
            _waiting = true;
            return new ValueTask<bool>(this, _core.Version);
        }

        /// <summary>False when nobody waits.</summary>
        public bool Complete(bool ready)
        {
            if (!_waiting) return false;
            _waiting = false;
            _core.SetResult(ready);
            return true;
        }

        public bool GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
