using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>An upstream that does on each connection what a test says; closed when the test's script ends.</summary>
internal sealed class ScriptedUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket, Task> _script;
    private int _connections;

    public ScriptedUpstream(Func<Socket, Task> script)
    {
        _script = script;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Connections that came.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Answers every head with the same bytes.</summary>
    public static ScriptedUpstream Answering(string answer) => new(async socket =>
    {
        while (await ReadHeadAsync(socket) is { Length: > 0 }) await SendAsync(socket, answer);
    });

    /// <summary>Reads to the end of a head; empty when the proxy closed.</summary>
    public static async Task<string> ReadHeadAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer);
            if (read == 0) return "";
            text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        return text.ToString();
    }

    public static async Task SendAsync(Socket socket, string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text));

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
            try
            {
                await _script(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The proxy cut the connection.
            }
    }
}
