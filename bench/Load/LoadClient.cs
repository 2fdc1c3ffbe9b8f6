using System.Globalization;
using System.Text.RegularExpressions;

namespace Lateen.Bench.Load;

/// <summary>What a stretch of load brought.</summary>
/// <param name="Requests">Completed.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="P50">Median latency in milliseconds.</param>
/// <param name="P99">In milliseconds.</param>
/// <param name="Errors">Answers other than 2xx, and socket errors.</param>
internal readonly record struct LoadResult(long Requests, double Seconds, double P50, double P99, long Errors);

/// <summary>Runs wrk, h2load and openssl as fast as they go, and h2load at a fixed rate, against a port.</summary>
internal static partial class LoadClient
{
    public static LoadResult Run(int processor, Scenario scenario, int port, int seconds, string folder) => scenario.Client switch
    {
        ClientKind.Http2 => Streams(processor, scenario, port, seconds),
        ClientKind.Handshakes => Handshakes(processor, scenario, port, seconds),
        _ => Saturate(processor, scenario, port, seconds, folder),
    };

    private static LoadResult Streams(int processor, Scenario scenario, int port, int seconds)
    {
        var output = MeasuredProcess.Run(processor, "h2load", "-t1", "-c", Text(scenario.Connections), "-m16", "-D", Text(seconds), $"http://127.0.0.1:{port}{scenario.Path}");
        if (H2Requests().Match(output) is not { Success: true } done) throw new InvalidOperationException("h2load said:\n" + output);
        // h2load gives a mean in place of percentiles when it runs for a time.
        return new LoadResult(Long(done.Groups[1].Value), seconds, double.NaN, double.NaN, Long(done.Groups[2].Value) + Long(done.Groups[3].Value));
    }

    private static LoadResult Handshakes(int processor, Scenario scenario, int port, int seconds)
    {
        var output = MeasuredProcess.Run(processor, "openssl", "s_time", "-connect", $"127.0.0.1:{port}", "-new", "-time", Text(seconds), "-www", scenario.Path);
        if (Connections().Match(output) is not { Success: true } made) throw new InvalidOperationException("openssl s_time said:\n" + output);
        return new LoadResult(Long(made.Groups[1].Value), Math.Max(1, Long(made.Groups[2].Value)), double.NaN, double.NaN, 0);
    }

    private static LoadResult Saturate(int processor, Scenario scenario, int port, int seconds, string folder)
    {
        List<string> arguments = ["-t1", $"-c{scenario.Connections}", $"-d{seconds}s", "--latency", $"{(scenario.Port == PortKind.Tls ? "https" : "http")}://127.0.0.1:{port}{scenario.Path}"];
        if (scenario.PostBytes > 0)
        {
            var script = Path.Combine(folder, "post.lua");
            File.WriteAllText(script, $"wrk.method = \"POST\"\nwrk.body = string.rep(\"p\", {scenario.PostBytes})\n");
            arguments.InsertRange(0, ["-s", script]);
        }
        var output = MeasuredProcess.Run(processor, "wrk", [.. arguments]);
        if (Completed().Match(output) is not { Success: true } completed) throw new InvalidOperationException("wrk said:\n" + output);
        var errors = SocketErrors().Match(output) is { Success: true } socket ? socket.Groups.Values.Skip(1).Sum(group => Long(group.Value)) : 0;
        if (BadAnswers().Match(output) is { Success: true } bad) errors += Long(bad.Groups[1].Value);
        return new LoadResult(Long(completed.Groups[1].Value), Milliseconds(completed.Groups[2].Value), Latency(output, "50%"), Latency(output, "99%"), errors) is var result
            ? result with { Seconds = result.Seconds / 1000 }
            : default;
    }

    /// <summary>The same number of requests a second for everybody, whatever the proxy does with them: latencies can be compared.</summary>
    public static LoadResult AtRate(int processor, Scenario scenario, int port, int seconds, int perSecond, string folder)
    {
        const int Connections = 50;
        var log = Path.Combine(folder, "latencies.tsv");
        File.Delete(log);
        MeasuredProcess.Run(
            processor, "h2load", "--h1", $"--rps={Math.Max(1, perSecond / Connections)}", "-c", Text(Connections), "-t1", "-D", Text(seconds), $"--log-file={log}",
            $"http://127.0.0.1:{port}{scenario.Path}");
        var rows = File.ReadLines(log).Select(line => line.Split('\t')).Where(fields => fields.Length >= 3).ToArray();
        var latencies = rows.Select(fields => double.Parse(fields[2], CultureInfo.InvariantCulture) / 1000).Order().ToArray();
        if (latencies.Length == 0) return default;
        return new LoadResult(latencies.Length, seconds, latencies[latencies.Length / 2], latencies[(int)(latencies.Length * 0.99)], rows.Count(fields => !fields[1].StartsWith('2')));
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static double Latency(string output, string percentile) =>
        Regex.Match(output, $@"^\s+{percentile}\s+(\S+)", RegexOptions.Multiline) is { Success: true } match ? Milliseconds(match.Groups[1].Value) : double.NaN;

    private static double Milliseconds(string text)
    {
        var number = double.Parse(text.TrimEnd('u', 's', 'm', 'h'), CultureInfo.InvariantCulture);
        return text.EndsWith("us", StringComparison.Ordinal) ? number / 1000 : text.EndsWith("ms", StringComparison.Ordinal) ? number : text.EndsWith('m') ? number * 60_000 : number * 1000;
    }

    [GeneratedRegex(@"(\d+) requests in ([\d.]+m?s)")]
    private static partial Regex Completed();

    [GeneratedRegex(@"requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored")]
    private static partial Regex H2Requests();

    [GeneratedRegex(@"(\d+) connections in (\d+) real seconds")]
    private static partial Regex Connections();

    [GeneratedRegex(@"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex SocketErrors();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)")]
    private static partial Regex BadAnswers();
}
