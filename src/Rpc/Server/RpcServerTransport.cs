using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Rpc.Server;

/// <summary>
/// One HTTP/2 request as the server handlers see it, whatever server carries it. Owned by one call.
/// </summary>
public abstract class RpcServerTransport
{
    /// <summary>The request's headers.</summary>
    public abstract IEnumerable<KeyValuePair<string, string>> RequestHeaders { get; }

    /// <summary>The request's body.</summary>
    public abstract PipeReader Request { get; }

    /// <summary>The response's body.</summary>
    public abstract PipeWriter Response { get; }

    /// <summary>Cancelled when the client is gone or has reset the stream.</summary>
    public abstract CancellationToken Aborted { get; }

    /// <summary>The client's address, for logs.</summary>
    public abstract string Peer { get; }

    /// <summary>The client's certificate, already verified by the server; null without mutual TLS.</summary>
    public virtual X509Certificate2? PeerCertificate => null;

    /// <summary>Sets a response header; only before <see cref="StartAsync"/>.</summary>
    public abstract void SetHeader(string name, string value);

    /// <summary>Adds a trailer, sent when the call ends.</summary>
    public abstract void AddTrailer(string name, string value);

    /// <summary>Sends the response's headers.</summary>
    public abstract Task StartAsync();
}
