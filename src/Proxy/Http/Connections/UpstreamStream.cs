using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// The upstream's side of one attempt, whatever protocol carries it: a whole HTTP/1 connection for a while, or a stream of an
/// HTTP/2 connection. It ends by exactly one of <see cref="Release"/> and <see cref="Close"/>. Owned by one worker.
/// </summary>
internal abstract class UpstreamStream
{
    /// <summary>Address that the connection has on this side.</summary>
    public abstract SocketAddress LocalAddress { get; }

    /// <summary>What the handshake of the connection told; null without TLS.</summary>
    public virtual TlsFacts? Tls => null;

    /// <summary>At least one byte of the response has come.</summary>
    public abstract bool ResponseBegun { get; }

    /// <summary>The connection had served before: a reset may mean that the upstream had just closed it.</summary>
    public abstract bool WasReused { get; }

    /// <summary>The head of the response has been read and its body is over.</summary>
    public abstract bool IsResponseDone { get; }

    /// <summary>A stretch of the body is there without waiting.</summary>
    public abstract bool HasBodyBytes { get; }

    /// <summary>The upstream has said that it did nothing of the request (REFUSED_STREAM, or GOAWAY before it).</summary>
    public virtual bool WasRefused => false;

    /// <summary>The upstream has reset the stream, rather than lost the connection.</summary>
    public virtual bool WasReset => false;

    /// <summary>What came behind the response's body; null when nothing did.</summary>
    public abstract HeaderMap? ResponseTrailers { get; }

    /// <summary>Puts the request's head into the output; it goes out with the first body bytes or the next flush.</summary>
    public abstract void BeginRequest(HeaderMap headers, BodyKind body, bool upgrade);

    /// <summary>Sends what is in the output, and a stretch of the body behind it. False when the stream is broken or the wait was aborted.</summary>
    public abstract ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body);

    /// <summary>Ends the request's body, with trailers where the protocol and the settings have room for them.</summary>
    public abstract ValueTask<bool> EndAsync(HeaderMap? trailers);

    /// <summary>
    /// Reads the response's head. An informational response but for 101 is given as what it is, and the call is made again.
    /// </summary>
    public abstract ValueTask<(ReadStatus Status, int Code, BodyKind Body)> ReadHeadAsync(HeaderMap response, bool answersHead, bool upgrade);

    /// <summary>The next stretch of the response's body, valid until <see cref="Advance"/>.</summary>
    public abstract ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync();

    /// <summary>The last stretch of body bytes is dealt with.</summary>
    public abstract void Advance();

    /// <summary>Gives it back when its exchange was whole, else ends it.</summary>
    public abstract void Release(bool requestComplete);

    /// <summary>Says that nothing more will be sent; for tunnels.</summary>
    public abstract void ShutdownSending();

    /// <summary>Ends every wait on it.</summary>
    public abstract void Abort();

    public abstract void Close();
}
