using Lateen.Proxy.Tls;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Network;

/// <summary>How a try to receive or send went.</summary>
internal enum IoStatus
{
    /// <summary>Bytes moved.</summary>
    Ok,

    /// <summary>The other side has closed its sending half.</summary>
    End,

    /// <summary>Not now: wait for readiness.</summary>
    WouldBlock,

    /// <summary>The connection is broken.</summary>
    Failed,
}

/// <summary>
/// One connection as its users see it, encrypted or not: tries are made at once, waits only after "would block". One wait for
/// reading and one for writing may be open at a time; <see cref="Abort"/> ends both. Owned by one worker.
/// </summary>
internal abstract class ByteStream
{
    public abstract Worker Worker { get; }

    /// <summary>The descriptor; -1 once closed.</summary>
    public abstract int Fd { get; }

    public bool IsClosed => Fd < 0;

    /// <summary>Error number of the last failure.</summary>
    public abstract int Error { get; }

    /// <summary>The other side sent its last byte or a reset, as far as epoll has told.</summary>
    public abstract bool PeerClosed { get; }

    /// <summary>Called when something happens while nobody waits for reading; for idle pooled connections.</summary>
    public abstract Action? OnIdleEvent { get; set; }

    /// <summary>The application protocol that both sides agreed on ("h2", "http/1.1"); empty when they did not negotiate.</summary>
    public virtual string NegotiatedProtocol => "";

    /// <summary>What the handshake told; null without TLS.</summary>
    public virtual TlsFacts? Tls => null;

    /// <summary>Receives what is there.</summary>
    public abstract IoStatus TryReceive(Span<byte> target, out int received);

    /// <summary>Sends what is taken now.</summary>
    public abstract IoStatus TrySend(ReadOnlySpan<byte> source, out int sent);

    /// <summary>Sends two spans in one call.</summary>
    public abstract IoStatus TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, out int sent);

    /// <summary>Waits until a receive is worth a try. False when the stream was aborted or closed meanwhile.</summary>
    public abstract ValueTask<bool> ReadableAsync();

    /// <summary>Waits until a send is worth a try. False when the stream was aborted or closed meanwhile.</summary>
    public abstract ValueTask<bool> WritableAsync();

    /// <summary>Says that nothing more will be sent.</summary>
    public abstract void ShutdownSending();

    /// <summary>Wakes both waits with false; the owner sees why elsewhere and closes.</summary>
    public abstract void Abort();

    /// <summary>Closes the descriptor and ends both waits.</summary>
    public abstract void Close();
}
