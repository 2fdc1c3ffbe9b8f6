using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>
/// An upstream that answers with what it was asked, so that both proxies can be compared by it. A request says what it wants: x-script is a
/// list of statuses for one attempt each, "close" for no answer and "slow" for one that comes too late.
/// </summary>
internal sealed class EchoUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private readonly string _name;

    public EchoUpstream(string name)
    {
        _name = name;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

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
        using var peer = socket;
        var pending = "";
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await peer.ReceiveAsync(buffer)) > 0;)
            {
                pending += Encoding.Latin1.GetString(buffer, 0, read);
                while (pending.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end and >= 0)
                {
                    var lines = pending[..end].Split("\r\n");
                    var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).Select(pair => (Name: pair[0].ToLowerInvariant(), Value: pair.Length > 1 ? pair[1] : "")).ToArray();
                    var length = int.Parse(headers.FirstOrDefault(header => header.Name == "content-length").Value ?? "0", CultureInfo.InvariantCulture);
                    if (pending.Length < end + 4 + length) break;
                    pending = pending[(end + 4 + length)..];
                    if (!await AnswerAsync(peer, lines[0], headers, length)) return;
                }
            }
        }
        catch (SocketException)
        {
            // The proxy cut the connection.
        }
    }

    private async Task<bool> AnswerAsync(Socket peer, string line, (string Name, string Value)[] headers, int length)
    {
        string Of(string name) => headers.FirstOrDefault(header => header.Name == name).Value ?? "";
        var script = Of("x-script").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var attempt = _attempts.AddOrUpdate(Of("x-case"), 0, (_, before) => before + 1);
        var step = script.Length == 0 ? "200" : script[Math.Min(attempt, script.Length - 1)];
        // What comes later has less time left, by a millisecond at least.
        if (step is not ("200" or "slow")) await Task.Delay(5);
        if (step == "close") return false;
        if (step == "slow")
        {
            await Task.Delay(700);
            step = "200";
        }
        var seen = new StringBuilder($"{_name} {line} body={length}\n");
        foreach (var (name, value) in headers.OrderBy(header => header.Name, StringComparer.Ordinal))
            if (name is not ("x-request-id" or "x-case" or "x-script")) seen.Append(name).Append(": ").Append(name == "x-envoy-expected-rq-timeout-ms" ? Rounded(value) : value).Append('\n');
        var body = line.StartsWith("HEAD ", StringComparison.Ordinal) ? "" : seen.ToString();
        await peer.SendAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {step} X\r\ncontent-length: {seen.Length}\r\nx-upstream: {_name}\r\nx-remove-me: 1\r\n\r\n{body}"));
        return true;
    }

    /// <summary>How much of the 15 seconds of a route is left differs from run to run; that it is less, and not much less, does not.</summary>
    private static string Rounded(string milliseconds) => int.Parse(milliseconds, CultureInfo.InvariantCulture) is var left and > 10_000 and < 15_000 ? "some of 15000" : milliseconds;
}
