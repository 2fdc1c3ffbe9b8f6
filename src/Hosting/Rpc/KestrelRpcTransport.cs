using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Lateen.Rpc.Server;
using Microsoft.AspNetCore.Http;

namespace Lateen.Hosting.Rpc;

/// <summary>One HTTP/2 request of Kestrel as the gRPC handlers see it. Owned by one call.</summary>
internal sealed class KestrelRpcTransport(HttpContext context) : RpcServerTransport
{
    public override IEnumerable<KeyValuePair<string, string>> RequestHeaders =>
        context.Request.Headers.SelectMany(header => header.Value, (header, value) => KeyValuePair.Create(header.Key, value ?? ""));

    public override PipeReader Request => context.Request.BodyReader;

    public override PipeWriter Response => context.Response.BodyWriter;

    public override CancellationToken Aborted => context.RequestAborted;

    public override string Peer => $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}";

    public override X509Certificate2? PeerCertificate => context.Connection.ClientCertificate;

    public override void SetHeader(string name, string value) => context.Response.Headers.Append(name, value);

    public override void AddTrailer(string name, string value) => context.Response.AppendTrailer(name, value);

    public override Task StartAsync() => context.Response.StartAsync(context.RequestAborted);
}
