using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Budgets;

/// <summary>An upstream that costs little: every head that arrives is answered with the same bytes. One thread a connection.</summary>
internal sealed class FixedUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly byte[] _answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 128\r\n\r\n" + new string('x', 128));

    public FixedUpstream()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        new Thread(Accept) { IsBackground = true, Name = "upstream" }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                socket.NoDelay = true;
                new Thread(() => Serve(socket), maxStackSize: 128 * 1024) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                // The proxy sends a head in one piece, and the next only after the answer.
                for (int read; (read = socket.Receive(buffer)) > 0;)
                    if (buffer.AsSpan(0, read).IndexOf("\r\n\r\n"u8) >= 0)
                        socket.Send(_answer);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The proxy has closed.
            }
        }
    }
}
