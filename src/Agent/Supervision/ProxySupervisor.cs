using System.Diagnostics;
using System.Globalization;
using Lateen.Foundation.Interop;
using Lateen.Agent.Status;
using Microsoft.Extensions.Logging;

namespace Lateen.Agent.Supervision;

/// <summary>
/// Runs the proxy, starts it again when it crashes, and ends it in order: not ready first, then draining, then out when nothing
/// is left or the time is over. Source: inventory AGT; observed facts "Traffic between sidecars" 15.
/// </summary>
internal sealed class ProxySupervisor(IReadOnlyList<string> command, string proxyAdmin, TimeSpan drain, StatusServer status, ILogger log)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Runs until the proxy has ended after <paramref name="stopping"/>.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var pause = TimeSpan.Zero;
        while (!stopping.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false })!;
            log.LogInformation("the proxy runs as process {Pid}", process.Id);
            try
            {
                await process.WaitForExitAsync(stopping);
            }
            catch (OperationCanceledException)
            {
                await EndAsync(process);
                return;
            }
            log.LogError("the proxy ended with code {Code}", process.ExitCode);
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(30)) pause = TimeSpan.Zero;
            await Task.Delay(pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            pause = pause == TimeSpan.Zero ? TimeSpan.FromMilliseconds(200) : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task EndAsync(Process process)
    {
        status.IsDraining = true;
        log.LogInformation("draining for at most {Seconds} s", drain.TotalSeconds);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        await PostAsync(http, $"{proxyAdmin}/drain_listeners?inboundonly&graceful");
        // Endpoints elsewhere need a moment to forget this pod: new requests are served until then.
        var until = Stopwatch.GetTimestamp() + (long)(drain.TotalSeconds * Stopwatch.Frequency);
        await Task.Delay(drain / 2);
        while (!process.HasExited && Stopwatch.GetTimestamp() < until && await ActiveAsync(http) > 0) await Task.Delay(100);
        if (!process.HasExited) Posix.Kill(process.Id, Posix.SigTerm);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
    }

    /// <summary>Requests that are being served; -1 when the proxy does not say.</summary>
    private async Task<long> ActiveAsync(HttpClient http)
    {
        try
        {
            var lines = await http.GetStringAsync($"{proxyAdmin}/stats?filter=downstream_rq_active");
            return lines.Split('\n').Where(line => !line.StartsWith("http.admin", StringComparison.Ordinal) && line.Contains(": ", StringComparison.Ordinal))
                .Sum(line => long.TryParse(line[(line.LastIndexOf(' ') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return -1;
        }
    }

    private static async Task PostAsync(HttpClient http, string url)
    {
        try
        {
            using var response = await http.PostAsync(url, null);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The proxy is gone already.
        }
    }
}
