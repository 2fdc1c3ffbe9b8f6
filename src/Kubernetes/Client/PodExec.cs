using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Client;

/// <summary>What a program that ran in a container wrote.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record PodExecResult(string Output, string Error);

/// <summary>
/// Runs programs in containers: the <c>exec</c> sub-resource of pods over a WebSocket, whose messages begin with the number of their
/// channel. Source: Kubernetes' remotecommand sub-protocol v4.channel.k8s.io. Any thread.
/// </summary>
public static class PodExec
{
    private const byte OutputChannel = 1, ErrorChannel = 2, StatusChannel = 3;
    private const int MessageRoom = 64 * 1024;

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="KubeException">There is no such pod or container, or the program failed.</exception>
    public static async Task<PodExecResult> RunAsync(KubeClientOptions options, string ns, string pod, string container, IEnumerable<string> command, CancellationToken cancel = default)
    {
        var query = string.Concat(command.Select(word => $"&command={Uri.EscapeDataString(word)}"));
        var target = new UriBuilder(new Uri(options.Server, $"/api/v1/namespaces/{ns}/pods/{pod}/exec?container={container}&stdout=true&stderr=true{query}"));
        target.Scheme = target.Scheme == "http" ? "ws" : "wss";
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("v4.channel.k8s.io");
        socket.Options.CollectHttpResponseDetails = true;
        if (options.Token?.Invoke() is { Length: > 0 } token) socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        using var invoker = new HttpMessageInvoker(KubeClient.CreateHandler(options));
        try
        {
            await socket.ConnectAsync(target.Uri, invoker, cancel).ConfigureAwait(false);
        }
        catch (WebSocketException e)
        {
            throw socket.HttpStatusCode == 0
                ? new KubeException(0, "", $"{options.Server}: {e.GetBaseException().Message}", null, e)
                : new KubeException(socket.HttpStatusCode, "", $"exec in {ns}/{pod}: HTTP status {(int)socket.HttpStatusCode}", null, e);
        }
        return await ReadAsync(socket, $"{ns}/{pod}", cancel).ConfigureAwait(false);
    }

    private static async Task<PodExecResult> ReadAsync(ClientWebSocket socket, string where, CancellationToken cancel)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        JsonNode? status = null;
        var buffer = new byte[MessageRoom];
        try
        {
            while (true)
            {
                var count = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (count == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                    part = await socket.ReceiveAsync(buffer.AsMemory(count), cancel).ConfigureAwait(false);
                    count += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) break;
                if (count == 0) continue;
                var message = buffer.AsMemory(1, count - 1);
                if (buffer[0] == OutputChannel) output.Write(message.Span);
                else if (buffer[0] == ErrorChannel) error.Write(message.Span);
                else if (buffer[0] == StatusChannel) status = JsonNode.Parse(message.Span);
            }
        }
        catch (WebSocketException e)
        {
            throw new KubeException(0, "", $"exec in {where}: {e.Message}", null, e);
        }
        var result = new PodExecResult(Text(output), Text(error));
        if ((string?)status?["status"] == "Success") return result;
        var told = result.Error.Trim() is { Length: > 0 } words ? words : (string?)status?["message"] ?? "the connection ended without a status";
        throw new KubeException(HttpStatusCode.InternalServerError, (string?)status?["reason"] ?? "", $"exec in {where}: {told}", status as JsonObject);
    }

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
}
