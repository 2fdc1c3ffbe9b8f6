using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Proxy;
using Lateen.Support;
using Xunit;

namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>The same bootstrap and the same requests under Envoy and under our proxy: what the client, the upstream and the log see is the same, but for what <see cref="KnownDifferences"/> lists.</summary>
public sealed class EnvoyDifferentialTests
{
    private static readonly HashSet<string> Volatile = new(StringComparer.OrdinalIgnoreCase) { "date", "x-envoy-upstream-service-time", "x-request-id" };

    [Fact]
    public async Task Both_proxies_answer_alike()
    {
        var envoyPath = Tools.Require("envoy");
        using var folder = new TempFolder();
        using var key = new DifferentialTokens();
        var cases = DifferentialCases.All(key.Tokens);
        Assert.True(cases.Count >= 300, $"{cases.Count} requests");
        var (a, b) = (new EchoUpstream("a"), new EchoUpstream("b"));
        var (a2, b2) = (new EchoUpstream("a"), new EchoUpstream("b"));
        using var all = new Disposables(a, b, a2, b2);
        var ports = FreePorts.Many(4);
        var (ourLog, envoyLog) = (folder.PathOf("ours.log"), folder.PathOf("envoy.log"));
        var bootstrap = folder.Write("envoy.yaml", DifferentialBootstrap.Text(ports[2], ports[3], a2.Port, b2.Port, envoyLog, key.Jwks));
        await using var ours = ProxyServer.Start(
            new ProxyOptions { Bootstrap = DifferentialBootstrap.Text(ports[0], ports[1], a.Port, b.Port, ourLog, key.Jwks), Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory());
        using var envoy = LocalProcess.Start(envoyPath, ["-c", bootstrap, "--concurrency", "1", "--use-dynamic-base-id", "-l", "error", "--file-flush-interval-msec", "100"]);
        await ReadyAsync(ports[0]);
        await ReadyAsync(ports[2]);
        var answers = new ConcurrentDictionary<string, (string Ours, string Envoy)>(StringComparer.Ordinal);
        // Several at a time: some wait for timeouts, and none depends on another.
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken }, async (one, _) =>
        {
            var pair = await Task.WhenAll(AskAsync(ports[0], one), AskAsync(ports[2], one));
            answers[one.Id] = (pair[0], pair[1]);
        });
        var (ourLines, envoyLines) = (await LinesAsync(ourLog, cases.Count), await LinesAsync(envoyLog, cases.Count));
        var report = new StringBuilder();
        var unexpected = 0;
        foreach (var one in cases)
        {
            var (mine, theirs) = (answers[one.Id].Ours + "\nlog: " + ourLines.GetValueOrDefault(one.Id), answers[one.Id].Envoy + "\nlog: " + envoyLines.GetValueOrDefault(one.Id));
            if (mine == theirs || KnownDifferences.Covers(mine, theirs)) continue;
            unexpected++;
            if (unexpected <= 40) report.Append(CultureInfo.InvariantCulture, $"--- {one.Id} {one.Method} {one.Target} {one.Host} {one.Headers.Replace("\r\n", " | ", StringComparison.Ordinal)}\nours:\n{mine}\nenvoy:\n{theirs}\n\n");
        }
        Assert.True(unexpected == 0, $"{unexpected} of {cases.Count} requests differ\n{report}");
    }

    private static async Task<string> AskAsync(int port, DifferentialCase one)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(one.Text));
        var text = "";
        var buffer = new byte[64 * 1024];
        using var patience = new CancellationTokenSource(10_000);
        try
        {
            while (!IsWhole(text, one.Method == "HEAD"))
            {
                var read = await socket.ReceiveAsync(buffer, patience.Token);
                if (read == 0) break;
                text += Encoding.Latin1.GetString(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            text += $"[{e.GetType().Name}]";
        }
        return Normalize(text);
    }

    private static bool IsWhole(string text, bool isHead)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return false;
        if (text.StartsWith("HTTP/1.1 100", StringComparison.Ordinal)) return IsWhole(text[(end + 4)..], isHead);
        if (isHead) return true;
        var head = text[..end];
        var at = head.IndexOf("content-length: ", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return !head.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase) || text.EndsWith("0\r\n\r\n", StringComparison.Ordinal);
        return text.Length >= end + 4 + int.Parse(head[(at + 16)..].Split('\r')[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Status, headers in the order of their names, and the body, without what changes from time to time.</summary>
    private static string Normalize(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return text;
        if (text.StartsWith("HTTP/1.1 100", StringComparison.Ordinal)) return "100\n" + Normalize(text[(end + 4)..]);
        var lines = text[..end].Split("\r\n");
        var headers = lines.Skip(1).Where(line => !Volatile.Contains(line.Split(':')[0])).Select(line => line.Split(':')[0].ToLowerInvariant() + line[line.IndexOf(':', StringComparison.Ordinal)..]).Order(StringComparer.Ordinal);
        return $"{lines[0].Split(' ')[1]}\n{string.Join('\n', headers)}\n\n{text[(end + 4)..]}";
    }

    private static Task ReadyAsync(int port) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        },
        TimeSpan.FromSeconds(30));

    private static async Task<Dictionary<string, string>> LinesAsync(string file, int count)
    {
        string[] Read() => File.Exists(file) ? File.ReadAllLines(file).Where(line => line.StartsWith('c')).ToArray() : [];
        await Eventually.TrueAsync(() => Read().Length >= count, TimeSpan.FromSeconds(20));
        return Read().Select(line => line.Split(' ', 2)).GroupBy(pair => pair[0]).ToDictionary(group => group.Key, group => group.First()[1], StringComparer.Ordinal);
    }

    private sealed class Disposables(params IDisposable[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (var one in all) one.Dispose();
        }
    }
}
