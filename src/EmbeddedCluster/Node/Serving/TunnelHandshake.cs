using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>
/// Opens a WebSocket whose sub-protocol the web framework refuses to name: kubectl's has a slash, which RFC 6455 section 4.1 does not
/// allow (a token of RFC 2616), and which Kubernetes' own servers take. Any thread.
/// </summary>
internal static class TunnelHandshake
{
    // Source: RFC 6455 section 1.3.
    private const string Suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Answers a request for a WebSocket, which the framework has found to be a proper one.</summary>
    public static async Task<WebSocket> AcceptAsync(HttpContext context, string protocol)
    {
        var headers = context.Response.Headers;
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = Accept(context.Request.Headers.SecWebSocketKey.ToString());
        headers.SecWebSocketProtocol = protocol;
        var stream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
    }

#pragma warning disable CA5350 // The protocol's own hash, which protects nothing.
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Suffix)));
#pragma warning restore CA5350
}
