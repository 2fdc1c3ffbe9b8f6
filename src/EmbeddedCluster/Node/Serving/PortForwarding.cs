using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Lateen.EmbeddedCluster.Node.Serving.Spdy;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>Carries connections to ports of a pod. Owned by one request.</summary>
/// <param name="networkNamespacePath">The pod's, or empty where there are none.</param>
/// <param name="addresses">Where the pod's programs may listen; the first that takes the connection has it.</param>
internal sealed class PortForwarding(string networkNamespacePath, IReadOnlyList<string> addresses)
{
    /// <summary>The sub-protocol of a WebSocket that carries SPDY.</summary>
    public const string TunnelProtocol = "SPDY/3.1+portforward.k8s.io";

    /// <summary>The protocol of SPDY streams.</summary>
    public const string Protocol = "portforward.k8s.io";

    /// <summary>Serves a client that speaks SPDY: for each connection it opens an error and a data stream with the same request id.</summary>
    public async Task ServeSpdyAsync(Stream transport, CancellationToken cancel)
    {
        using var connection = new SpdyConnection(transport);
        var waiting = new Dictionary<string, SpdyStream>();
        try
        {
            await connection.RunAsync(
                stream =>
                {
                    var request = stream.Headers.GetValueOrDefault("requestid", "");
                    if (!waiting.Remove(request, out var other))
                    {
                        waiting[request] = stream;
                        return;
                    }
                    var (error, data) = stream.Headers.GetValueOrDefault("streamtype") == "data" ? (other, stream) : (stream, other);
                    _ = ForwardAsync(data, error, cancel);
                },
                cancel);
        }
        catch (Exception gone) when (gone is OperationCanceledException or InvalidDataException or IOException)
        {
            // The client is gone or talks nonsense.
        }
    }

    /// <summary>Serves a client whose WebSocket has two channels for each port: data, and errors (v4.channel.k8s.io).</summary>
    public async Task ServeChannelsAsync(WebSocket socket, IReadOnlyList<int> ports, CancellationToken cancel)
    {
        using var writing = new SemaphoreSlim(1);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var connections = new Socket?[ports.Count];
        try
        {
            for (var i = 0; i < ports.Count; i++)
            {
                // Both channels begin with the port, so that the client knows which is which.
                byte[] port = [(byte)ports[i], (byte)(ports[i] >> 8)];
                await SendAsync(socket, writing, (byte)(2 * i), port, ending.Token);
                await SendAsync(socket, writing, (byte)(2 * i + 1), port, ending.Token);
                try
                {
                    connections[i] = await ConnectAsync(ports[i], ending.Token);
                    _ = CopyToAsync(connections[i]!, socket, writing, (byte)(2 * i), ending.Token);
                }
                catch (SocketException refused)
                {
                    await SendAsync(socket, writing, (byte)(2 * i + 1), Encoding.UTF8.GetBytes(refused.Message), ending.Token);
                }
            }
            var buffer = new byte[32 * 1024];
            var channel = -1;
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), ending.Token);
                if (part.MessageType == WebSocketMessageType.Close) return;
                var bytes = buffer.AsMemory(0, part.Count);
                if (channel < 0 && bytes.Length > 0) (channel, bytes) = (bytes.Span[0], bytes[1..]);
                if (channel >= 0 && channel % 2 == 0 && channel / 2 < connections.Length && connections[channel / 2] is { } connection) await connection.SendAsync(bytes, ending.Token);
                if (part.EndOfMessage) channel = -1;
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or SocketException)
        {
            // One of the two is gone.
        }
        finally
        {
            await ending.CancelAsync();
            foreach (var connection in connections) connection?.Dispose();
        }
    }

    private static async Task CopyToAsync(Socket from, WebSocket to, SemaphoreSlim writing, byte channel, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, cancel)) > 0) await SendAsync(to, writing, channel, buffer.AsMemory(0, count), cancel);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One of the two is gone.
        }
    }

    private static async Task SendAsync(WebSocket socket, SemaphoreSlim writing, byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var message = new byte[bytes.Length + 1];
        message[0] = channel;
        bytes.CopyTo(message.AsMemory(1));
        await writing.WaitAsync(cancel);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancel);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ForwardAsync(SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        var port = int.TryParse(data.Headers.GetValueOrDefault("port"), CultureInfo.InvariantCulture, out var number) ? number : 0;
        try
        {
            try
            {
                using var connection = await ConnectAsync(port, cancel);
                await Task.WhenAll(CopyInAsync(data, connection, cancel), CopyOutAsync(connection, data, cancel));
            }
            catch (SocketException failure)
            {
                var message = $"failed to connect to localhost:{port.ToString(CultureInfo.InvariantCulture)} inside the pod: {failure.Message}";
                await error.WriteAsync(Encoding.UTF8.GetBytes(message), cancel);
            }
            await data.CloseAsync(cancel);
            await error.CloseAsync(cancel);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone.
        }
    }

    private static async Task CopyInAsync(SpdyStream data, Socket connection, CancellationToken cancel)
    {
        await foreach (var bytes in data.Input.ReadAllAsync(cancel)) await connection.SendAsync(bytes, cancel);
        try
        {
            connection.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side was faster.
        }
    }

    private static async Task CopyOutAsync(Socket connection, SpdyStream data, CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = await connection.ReceiveAsync(buffer, cancel)) > 0) await data.WriteAsync(buffer.AsMemory(0, count), cancel);
        await data.CloseAsync(cancel);
    }

    private async Task<Socket> ConnectAsync(int port, CancellationToken cancel)
    {
        foreach (var address in addresses.SkipLast(1))
        {
            try
            {
                return await ConnectAsync(address, port, cancel);
            }
            catch (SocketException)
            {
                // The next may have it.
            }
        }
        return await ConnectAsync(addresses[^1], port, cancel);
    }

    private async Task<Socket> ConnectAsync(string address, int port, CancellationToken cancel)
    {
        var socket = await NamespaceThread.RunAsync("port-forward", () =>
        {
            if (networkNamespacePath.Length > 0) LinuxNamespaces.Enter(networkNamespacePath, NamespaceKinds.Network);
            return new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        });
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
