using System.Net;
using System.Net.Sockets;
using Lateen.EmbeddedCluster.Processes;
using Microsoft.Extensions.Logging;

namespace Lateen.Standalone.Supervision;

/// <summary>
/// Owns the loopback ports that the user sees and carries their connections into the node's network namespace, by sockets that
/// are made there. It depends on no other process: killing any of them takes no port away.
/// </summary>
internal sealed class Relay(NetworkNamespace node, IReadOnlyList<(int Port, IPEndPoint Target)> ports, ILogger log)
{
    private const int BufferSize = 64 * 1024;
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    public async Task RunAsync(CancellationToken cancel) => await Task.WhenAll(ports.Select(port => ListenAsync(port.Port, port.Target, cancel)));

    private async Task ListenAsync(int port, IPEndPoint target, CancellationToken cancel)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        log.LogInformation("127.0.0.1:{Port} leads to {Target}", port, target);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptAsync(cancel), target, cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // One connection that cannot be taken (no file left, or gone already) must not cost the port.
                log.LogWarning("127.0.0.1:{Port} could not take a connection: {Reason}", port, e.Message);
                await Task.Delay(AcceptPause, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task ServeAsync(Socket client, IPEndPoint target, CancellationToken cancel)
    {
        using (client)
        {
            try
            {
                client.NoDelay = true;
                using var server = await node.CreateSocketAsync();
                server.NoDelay = true;
                await server.ConnectAsync(target, cancel);
                await Task.WhenAll(CopyAsync(client, server, cancel), CopyAsync(server, client, cancel));
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                log.LogDebug("a connection to {Target} ended: {Reason}", target, e.Message);
            }
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancel)
    {
        var buffer = new byte[BufferSize];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, cancel)) > 0;)
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), cancel);
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // One direction is broken: so is the other.
            from.Close();
            to.Close();
            throw;
        }
    }
}
