using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Lateen.Bench.Load;

/// <summary>Turns samples into a page of Markdown: medians, ranges, ratios, and the machine that they hold for.</summary>
internal static class Results
{
    public static string Line(Sample sample) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sample.Scenario,-12} {sample.Contender,-8} {sample.PerRequest.Total,7:F1} us/request ({sample.PerRequest.User:F1} user) {sample.PerSecond,8:F0}/s p50 {sample.P50:F2} p99 {sample.P99:F2} ms, busy {sample.Busy:P0}, {sample.Errors} errors");

    public static async Task<string> WriteAsync(IReadOnlyList<Contender> contenders, IReadOnlyList<Scenario> scenarios, List<Sample> samples, List<Sample> atRate, string primary)
    {
        var page = new StringBuilder();
        var now = DateTime.UtcNow;
        Say(page, $"# Load, {now:yyyy-MM-dd HH:mm} UTC\n");
        Say(page, $"{MachineFacts()}\n");
        Say(page, $"CPU microseconds per request are user and system time of the proxy's process divided by completed requests: medians over interleaved rounds, with the range. The proxy has one processor and one worker; client (wrk, h2load or openssl) and backend (nginx) share another. `ratio` is {primary}'s median divided by the row's: below 1 means that {primary} costs less.\n");
        Say(page, "| proxy | version | MiB idle | MiB after load |\n|---|---|---|---|");
        foreach (var contender in contenders) Say(page, $"| {contender.Name} | {contender.Version} | {contender.IdleMiB:F0} | {contender.LoadedMiB:F0} |");
        foreach (var scenario in scenarios)
        {
            var rows = samples.Where(sample => sample.Scenario == scenario.Name).ToList();
            if (rows.Count == 0) continue;
            Say(page, $"\n## {scenario.Name}: {scenario.What}\n");
            Table(page, contenders, rows, primary);
        }
        if (atRate.Count > 0)
        {
            Say(page, $"\n## Latency at one rate for all ({atRate.Max(sample => sample.PerSecond):F0} requests a second, half of what the slowest carries; h2load, 50 connections)\n");
            Table(page, contenders, atRate, primary);
        }
        var path = Path.Combine(BenchOptions.Root, "bench", "results", $"{now:yyyy-MM-dd}.md");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, page.ToString());
        return path;
    }

    private static void Table(StringBuilder page, IReadOnlyList<Contender> contenders, List<Sample> rows, string primary)
    {
        Say(page, "| proxy | n | us/request | min..max | user | system | requests/s | p50 ms | p99 ms | busy | errors | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|---|");
        var mine = Median(rows.Where(row => row.Contender == primary), row => row.PerRequest.Total);
        foreach (var contender in contenders)
        {
            var of = rows.Where(row => row.Contender == contender.Name).ToList();
            if (of.Count == 0) continue;
            var total = Median(of, row => row.PerRequest.Total);
            Say(page, $"| {contender.Name} | {of.Count} | {total:F1} | {of.Min(row => row.PerRequest.Total):F1}..{of.Max(row => row.PerRequest.Total):F1} | {Median(of, row => row.PerRequest.User):F1} | {Median(of, row => row.PerRequest.System):F1} | {Median(of, row => row.PerSecond):F0} | {Median(of, row => row.P50):F2} | {Median(of, row => row.P99):F2} | {Median(of, row => row.Busy):P0} | {of.Sum(row => row.Errors)} | {mine / total:F2} |");
        }
    }

    private static double Median(IEnumerable<Sample> samples, Func<Sample, double> value)
    {
        var sorted = samples.Select(value).Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string MachineFacts()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "unknown processor";
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{model}, {Environment.ProcessorCount} processors, Linux {Environment.OSVersion.Version.ToString(3)}, {RuntimeInformation.FrameworkDescription}, load average at the end {load} (other work on the machine makes every figure larger and noisier).";
    }

    private static void Say(StringBuilder page, FormattableString line) => page.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static void Say(StringBuilder page, string line) => page.Append(line).Append('\n');
}
