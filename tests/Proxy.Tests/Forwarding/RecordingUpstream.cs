using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>
/// An upstream that keeps every byte that reaches it and answers each head that it sees with 200 and what the request's path asks
/// for: /status/N another status, /close no answer at all, /trailers a body in chunks with
/// trailers, /hints an informational response before the answer, /after-body an answer when the whole body is there.
/// </summary>
internal sealed class RecordingUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentQueue<byte[]> _received = new();

    public RecordingUpstream()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Everything that came, all connections together.</summary>
    public string Received => string.Concat(_received.Select(Encoding.Latin1.GetString));

    /// <summary>Request heads that came.</summary>
    public int Heads => Received.Split(" HTTP/1.1\r\n").Length - 1;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            var pending = "";
            var buffer = new byte[64 * 1024];
            try
            {
                for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;)
                {
                    _received.Enqueue(buffer[..read]);
                    pending += Encoding.Latin1.GetString(buffer, 0, read);
                    for (int end; (end = pending.IndexOf("\r\n\r\n", StringComparison.Ordinal)) >= 0; pending = pending[(end + 4)..])
                    {
                        var line = pending[..pending.IndexOf("\r\n", StringComparison.Ordinal)].Split(' ');
                        if (line.Length != 3) continue;
                        if (line[1] == "/close") return;
                        if (line[1] == "/after-body")
                        {
                            var length = int.Parse(pending[..end].Split("content-length: ")[1].Split('\r')[0], CultureInfo.InvariantCulture);
                            for (var have = pending.Length - end - 4; have < length && (read = await socket.ReceiveAsync(buffer)) > 0; have += read) _received.Enqueue(buffer[..read]);
                            pending = pending[..(end + 4)];
                        }
                        if (line[1] == "/trailers")
                        {
                            await socket.SendAsync("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 17\r\nx-more: yes\r\n\r\n"u8.ToArray());
                            continue;
                        }
                        if (line[1] == "/hints") await socket.SendAsync("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n"u8.ToArray());
                        var status = line[1].StartsWith("/status/", StringComparison.Ordinal) ? line[1][8..] : "200";
                        await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n{(line[0] == "HEAD" ? "" : "ok")}"));
                    }
                }
            }
            catch (SocketException)
            {
                // The proxy cut the connection.
            }
        }
    }
}
