using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Upstream;

/// <summary>An upstream whose answers a test writes: it is given the number of the request and its head, and returns raw bytes, or null to hang up.</summary>
internal sealed class ScriptedUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<int, string, string?> _answer;
    private readonly List<string> _heads = [];

    public ScriptedUpstream(Func<int, string, string?> answer)
    {
        _answer = answer;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        _ = AcceptAsync();
    }

    /// <summary>Answers everything with 200 and this body.</summary>
    public ScriptedUpstream(string body)
        : this((_, _) => Ok(body))
    {
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Request heads so far, in order of arrival.</summary>
    public string[] Heads
    {
        get
        {
            lock (_heads) return [.. _heads];
        }
    }

    public static string Ok(string body) => Status(200, body);

    public static string Status(int status, string body = "", string headers = "") => $"HTTP/1.1 {status} X\r\n{headers}content-length: {body.Length}\r\n\r\n{body}";

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
            var (pending, buffer) = ("", new byte[64 * 1024]);
            try
            {
                for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;)
                {
                    pending += Encoding.Latin1.GetString(buffer, 0, read);
                    for (int end; (end = pending.IndexOf("\r\n\r\n", StringComparison.Ordinal)) >= 0; pending = pending[(end + 4)..])
                    {
                        var head = pending[..end];
                        // Only requests begin so; a body's bytes are dropped.
                        if (!head.Contains(" HTTP/1.1\r\n", StringComparison.Ordinal)) continue;
                        int number;
                        lock (_heads)
                        {
                            _heads.Add(head);
                            number = _heads.Count;
                        }
                        if (_answer(number, head) is not { } answer) return;
                        await socket.SendAsync(Encoding.Latin1.GetBytes(answer));
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
