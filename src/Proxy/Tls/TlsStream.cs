using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Network;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Tls;

/// <summary>
/// TLS over a socket by libssl. What is sent in one call goes out as one record while it is small. After a send that would
/// block, the same bytes must be offered again first: they are encrypted already. Owned by one worker.
/// </summary>
internal sealed class TlsStream : ByteStream
{
    private const int RecordSize = 16 * 1024;

    /// <summary>The stream whose handshake this thread is in, for the verify callback.</summary>
    [ThreadStatic]
    private static TlsStream? _current;

    [ThreadStatic]
    private static byte[]? _joined;

    private readonly TcpStream _tcp;
    private readonly TlsContext _context;
    private readonly TlsPeer _peer;
    private nint _ssl;
    private unsafe TlsIo* _io;
    private TlsFacts? _facts;
    private Action? _onIdle;
    private bool _more, _isEnd, _isBroken;

    /// <param name="tcp">A connected socket; closed with this stream.</param>
    /// <param name="context">What this side shows and trusts.</param>
    /// <param name="peer">What is known of an upstream; default for a client of ours.</param>
    /// <param name="received">Bytes that were read from the socket already.</param>
    public unsafe TlsStream(TcpStream tcp, TlsContext context, in TlsPeer peer, ReadOnlySpan<byte> received)
    {
        (_tcp, _context, _peer) = (tcp, context, peer);
        _io = (TlsIo*)NativeMemory.AllocZeroed((nuint)sizeof(TlsIo));
        _io->Fd = tcp.Fd;
        if (received.Length > 0)
        {
            _io->Prefix = (byte*)NativeMemory.Alloc((nuint)received.Length);
            _io->PrefixLength = received.Length;
            received.CopyTo(new Span<byte>(_io->Prefix, received.Length));
        }
        _ssl = context.Open(this, peer, _io);
    }

    /// <summary>The stream whose handshake the calling thread is in.</summary>
    internal static TlsStream? Current => _current;

    internal unsafe TlsIo* Io => _io;

    internal TlsPeer Peer => _peer;

    /// <summary>Why the peer's certificate was refused or not believed; set by the verify callback.</summary>
    internal VerifyOutcome Outcome { get; set; }

    /// <summary>Why the handshake failed, as Envoy words it.</summary>
    public string Failure { get; private set; } = "";

    public override Worker Worker => _tcp.Worker;

    public override int Fd => _tcp.Fd;

    public override unsafe int Error => _io is not null && _io->Error != 0 ? _io->Error : _tcp.Error;

    public override bool PeerClosed => _isEnd || _tcp.PeerClosed;

    public override string NegotiatedProtocol => _facts?.Protocol ?? "";

    public override TlsFacts? Tls => _facts;

    public override Action? OnIdleEvent
    {
        get => _onIdle;
        set
        {
            _onIdle = value;
            _tcp.OnIdleEvent = value is null ? null : OnTcpIdle;
        }
    }

    /// <summary>Shakes hands; false when that failed, with the reason in <see cref="Failure"/>, or was aborted.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> HandshakeAsync()
    {
        while (true)
        {
            if (_ssl == 0) return false;
            switch (StepHandshake())
            {
                case OpenSsl.ErrorNone:
                    return true;
                case OpenSsl.ErrorWantRead:
                    if (!await _tcp.ReadableAsync()) return false;
                    break;
                case OpenSsl.ErrorWantWrite:
                    if (!await _tcp.WritableAsync()) return false;
                    break;
                default:
                    return false;
            }
        }
    }

    public override unsafe IoStatus TryReceive(Span<byte> target, out int received)
    {
        received = 0;
        if (_ssl == 0 || _isBroken) return IoStatus.Failed;
        if (_isEnd) return IoStatus.End;
        if (!_more && !_tcp.MayReceive) return IoStatus.WouldBlock;
        _io->ReadDrained = false;
        int count;
        fixed (byte* at = target) count = OpenSsl.Read(_ssl, at, target.Length);
        if (count <= 0) return AfterRead(count);
        received = count;
        if (_io->ReadDrained) _tcp.MarkDrained();
        _more = OpenSsl.HasPending(_ssl) != 0;
        return IoStatus.Ok;
    }

    public override IoStatus TrySend(ReadOnlySpan<byte> source, out int sent) => TrySend(source, default, out sent);

    public override IoStatus TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, out int sent)
    {
        sent = 0;
        if (_ssl == 0 || _isBroken) return IoStatus.Failed;
        if (!_tcp.MaySend) return IoStatus.WouldBlock;
        if (first.Length > 0 && second.Length > 0 && first.Length < RecordSize)
        {
            // A head and its body make one record.
            var joined = _joined ??= GC.AllocateUninitializedArray<byte>(RecordSize, pinned: true);
            var taken = Math.Min(second.Length, RecordSize - first.Length);
            first.CopyTo(joined);
            second[..taken].CopyTo(joined.AsSpan(first.Length));
            var status = Write(joined.AsSpan(0, first.Length + taken), out sent);
            if (status != IoStatus.Ok || sent < first.Length + taken) return status;
            first = second[taken..];
            second = default;
        }
        if (first.Length > 0)
        {
            var status = Write(first, out var more);
            sent += more;
            if (status != IoStatus.Ok || more < first.Length) return sent > 0 && status == IoStatus.WouldBlock ? IoStatus.Ok : status;
        }
        if (second.Length > 0)
        {
            var status = Write(second, out var more);
            sent += more;
            return sent > 0 && status == IoStatus.WouldBlock ? IoStatus.Ok : status;
        }
        return IoStatus.Ok;
    }

    public override ValueTask<bool> ReadableAsync() => _more ? new ValueTask<bool>(!IsClosed) : _tcp.ReadableAsync();

    public override ValueTask<bool> WritableAsync() => _tcp.WritableAsync();

    /// <summary>Sends the closing alert; FIN follows unless there is no room for the alert yet.</summary>
    public override unsafe void ShutdownSending()
    {
        if (_ssl == 0 || _isBroken) return;
        _io->WriteBlocked = false;
        SendClosingAlert();
        if (!_io->WriteBlocked) _tcp.ShutdownSending();
    }

    public override void Abort() => _tcp.Abort();

    public override unsafe void Close()
    {
        if (_ssl == 0) return;
        if (!_isBroken && !_tcp.IsClosed) SendClosingAlert();
        OpenSsl.Free(_ssl);
        _ssl = 0;
        if (_io->Owner != 0) GCHandle.FromIntPtr(_io->Owner).Free();
        if (_io->Prefix is not null) TlsBio.FreePrefix(_io);
        NativeMemory.Free(_io);
        _io = null;
        _tcp.Close();
    }

    /// <summary>A session came that the next connection may take up.</summary>
    internal void KeepSession(nint session) => _context.Keep(_peer, session);

    private unsafe int StepHandshake()
    {
        _current = this;
        _io->ReadDrained = false;
        var result = OpenSsl.Handshake(_ssl);
        _current = null;
        if (result == 1)
        {
            if (_io->ReadDrained) _tcp.MarkDrained();
            _more = OpenSsl.HasPending(_ssl) != 0 || _io->Prefix is not null;
            _facts = _context.Describe(_ssl, Outcome);
            _context.Stats.OnHandshake(Worker, _facts, Outcome, _context.IsServer);
            return OpenSsl.ErrorNone;
        }
        var error = OpenSsl.GetError(_ssl, result);
        switch (error)
        {
            case OpenSsl.ErrorWantRead:
                _tcp.MarkDrained();
                return error;
            case OpenSsl.ErrorWantWrite:
                _tcp.MarkFull();
                return error;
        }
        _isBroken = true;
        Failure = TlsErrors.Drain(Outcome, _io->IsEnd, out var noCertificate);
        if (noCertificate) Outcome = VerifyOutcome.NoCertificate;
        _context.Stats.OnHandshakeFailed(Worker, Outcome, hasError: Failure.Length > 0);
        return OpenSsl.ErrorSsl;
    }

    private IoStatus AfterRead(int result)
    {
        _more = false;
        switch (OpenSsl.GetError(_ssl, result))
        {
            case OpenSsl.ErrorWantRead:
                _tcp.MarkDrained();
                return IoStatus.WouldBlock;
            case OpenSsl.ErrorWantWrite:
                _tcp.MarkDrained();
                _tcp.MarkFull();
                _tcp.WakeReaderWhenWritable();
                return IoStatus.WouldBlock;
            case OpenSsl.ErrorZeroReturn:
                _isEnd = true;
                return IoStatus.End;
        }
        // An end without the closing alert may be a cut by somebody on the way: it is no proper end (RFC 8446 section 6.1).
        return Break();
    }

    private unsafe IoStatus Write(ReadOnlySpan<byte> source, out int sent)
    {
        sent = 0;
        fixed (byte* at = source)
            while (sent < source.Length)
            {
                var count = OpenSsl.Write(_ssl, at + sent, Math.Min(RecordSize, source.Length - sent));
                if (count > 0)
                {
                    sent += count;
                    continue;
                }
                switch (OpenSsl.GetError(_ssl, count))
                {
                    case OpenSsl.ErrorWantWrite:
                        _tcp.MarkFull();
                        return sent > 0 ? IoStatus.Ok : IoStatus.WouldBlock;
                    case OpenSsl.ErrorWantRead:
                        // Only renegotiation would wait for the peer here, and that is off.
                        return Break();
                    default:
                        return Break();
                }
            }
        return IoStatus.Ok;
    }

    private IoStatus Break()
    {
        _isBroken = true;
        OpenSsl.ClearErrors();
        return IoStatus.Failed;
    }

    private void SendClosingAlert()
    {
        if (OpenSsl.IsHandshakeDone(_ssl) == 0) return;
        if (OpenSsl.Shutdown(_ssl) < 0) OpenSsl.ClearErrors();
    }

    /// <summary>
    /// Something came while nobody reads. Only data, an end or a failure is for the owner: tickets and key updates are taken in
    /// here.
    /// </summary>
    private unsafe void OnTcpIdle()
    {
        if (_ssl == 0 || _onIdle is not { } tell) return;
        if (!_tcp.PeerClosed && !_isBroken && !_isEnd)
        {
            if (_more) return;
            byte one;
            _io->ReadDrained = false;
            var count = OpenSsl.Peek(_ssl, &one, 1);
            if (count > 0)
            {
                if (_io->ReadDrained) _tcp.MarkDrained();
                _more = true;
            }
            else if (AfterRead(count) == IoStatus.WouldBlock) return;
        }
        tell();
    }
}
