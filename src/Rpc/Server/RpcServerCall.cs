using System.Security.Cryptography.X509Certificates;

namespace Lateen.Rpc.Server;

/// <summary>What a handler knows of the call that it serves. Owned by one call.</summary>
public sealed class RpcServerCall
{
    private readonly RpcServerTransport _transport;

    internal RpcServerCall(RpcServerTransport transport, RpcMetadata requestHeaders, DateTimeOffset? deadline, CancellationToken cancel) =>
        (_transport, RequestHeaders, Deadline, Cancel) = (transport, requestHeaders, deadline, cancel);

    /// <summary>The application's headers of the request.</summary>
    public RpcMetadata RequestHeaders { get; }

    /// <summary>Sent before the first response message.</summary>
    public RpcMetadata ResponseHeaders { get; } = new();

    /// <summary>Sent with the status.</summary>
    public RpcMetadata ResponseTrailers { get; } = new();

    /// <summary>When the client stops to wait; null when it does not say.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>Cancelled when the client is gone, has cancelled, or the deadline has passed.</summary>
    public CancellationToken Cancel { get; }

    /// <summary>The client's address, for logs.</summary>
    public string Peer => _transport.Peer;

    /// <summary>The client's verified certificate; null without mutual TLS.</summary>
    public X509Certificate2? PeerCertificate => _transport.PeerCertificate;
}

/// <summary>Sends the responses of a streaming call. One writer at a time.</summary>
public sealed class RpcResponseWriter<T>
    where T : class, Google.Protobuf.IMessage<T>, new()
{
    private readonly ServerCallRun _run;

    internal RpcResponseWriter(ServerCallRun run) => _run = run;

    /// <summary>Sends one message; completes when the transport has taken it, so a slow client holds the writer back.</summary>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public ValueTask WriteAsync(T message) => _run.WriteAsync(message);
}
