using System.Net;
using System.Net.Sockets;
using Lateen.EmbeddedCluster.Processes;
using Microsoft.Extensions.Logging;

namespace Lateen.Standalone.Supervision;

/// <summary>Where a port of the relay leads. Any thread.</summary>
/// <param name="Name">For logs.</param>
/// <param name="Find">The address now; null while there is none.</param>
internal sealed record RelayTarget(string Name, Func<IPEndPoint?> Find)
{
    /// <summary>Always the same address.</summary>
    public static RelayTarget Fixed(IPEndPoint address) => new(address.ToString(), () => address);
}

/// <summary>
/// Owns the loopback ports that the user sees and carries their connections into the node's network namespace, by sockets that
/// are made there; or to loopback addresses of the machine, where the mesh has no namespaces. Killing any other process takes no port away.
/// </summary>
internal sealed class Relay(NetworkNamespace? node, IReadOnlyList<(int Port, RelayTarget Target)> ports, ILogger log)
{
    private const int BufferSize = 64 * 1024;
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    public async Task RunAsync(CancellationToken cancel) => await Task.WhenAll(ports.Select(port => ListenAsync(port.Port, port.Target, cancel)));

    private async Task ListenAsync(int port, RelayTarget target, CancellationToken cancel)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        log.LogInformation("127.0.0.1:{Port} leads to {Target}", port, target.Name);
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

    private async Task ServeAsync(Socket client, RelayTarget target, CancellationToken cancel)
    {
        using (client)
        {
            try
            {
                client.NoDelay = true;
                if (target.Find() is not { } address) return;
                using var server = node is null ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) : await node.CreateSocketAsync();
                server.NoDelay = true;
                await server.ConnectAsync(address, cancel);
                await Task.WhenAll(CopyAsync(client, server, cancel), CopyAsync(server, client, cancel));
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                log.LogDebug("a connection to {Target} ended: {Reason}", target.Name, e.Message);
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
