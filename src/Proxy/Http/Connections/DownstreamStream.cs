using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Http.Connections;

/// <summary>The client's side of one exchange, whatever protocol carries it. Owned by one worker.</summary>
internal abstract class DownstreamStream
{
    /// <summary>How the request's body is delimited; in HTTP/2 whether there is one and whether its length was announced.</summary>
    public abstract BodyKind RequestBody { get; }

    /// <summary>The request has been read to its end.</summary>
    public abstract bool IsRequestDone { get; }

    /// <summary>The client cannot take chunks.</summary>
    public abstract bool IsHttp10 { get; }

    /// <summary>The client goes on with other requests whatever becomes of this one.</summary>
    public virtual bool IsMultiplexed => false;

    /// <summary>What came behind the request's body; null when nothing did.</summary>
    public abstract HeaderMap? RequestTrailers { get; }

    /// <summary>Called when the client goes away while nobody reads from it.</summary>
    public Action? OnGone { get; set; }

    /// <summary>The next stretch of the request's body, valid until <see cref="Advance"/>.</summary>
    public abstract ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync();

    public abstract void Advance();

    /// <summary>Turns the rest of the connection into raw bytes, both ways: an accepted upgrade.</summary>
    public abstract void BeginTunnel();

    /// <summary>Puts an informational head (100 to 199, but for 101) into the output.</summary>
    public abstract void WriteInformational(HeaderMap headers, int status);

    /// <summary>Puts the response's head into the output, and how its body will be delimited.</summary>
    public abstract void BeginResponse(HeaderMap headers, int status, BodyKind body, bool close, bool upgrade);

    /// <summary>Sends what is in the output, and a stretch of the body behind it. False when the client is gone.</summary>
    public abstract ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body);

    /// <summary>Ends the response's body, with trailers where the protocol and the settings have room for them.</summary>
    public abstract ValueTask<bool> EndAsync(HeaderMap? trailers);

    /// <summary>Ends every wait on the client.</summary>
    public abstract void AbortWaits();

    /// <summary>Says that nothing more will be sent; the other direction goes on.</summary>
    public abstract void ShutdownSending();

    /// <summary>Bytes that were read from and sent to the client in this exchange.</summary>
    public abstract (long Received, long Sent) Traffic { get; }
}
