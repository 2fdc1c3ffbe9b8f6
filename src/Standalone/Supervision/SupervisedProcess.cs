using System.Diagnostics;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;
using Lateen.Standalone.Layout;
using Microsoft.Extensions.Logging;

namespace Lateen.Standalone.Supervision;

/// <summary>
/// Keeps one process running: starts it again when it ends, at once the first time and then after pauses that double up to
/// ten seconds. Owned by the supervisor.
/// </summary>
internal sealed class SupervisedProcess(string name, IReadOnlyList<string> command, string logFile, ILogger log)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public string Name => name;

    /// <summary>The running process; null between two runs.</summary>
    public ProcessIdentity? Current { get; private set; }

    /// <summary>Told when the process changes.</summary>
    public Action? OnChanged { get; init; }

    public async Task RunAsync(CancellationToken cancel)
    {
        var pause = TimeSpan.Zero;
        while (!cancel.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            using (var process = Start())
            {
                Current = ProcessIdentity.TryRead(process.Id);
                OnChanged?.Invoke();
                try
                {
                    await process.WaitForExitAsync(cancel);
                    log.LogWarning("{Process} ended with code {Code}", name, process.ExitCode);
                }
                catch (OperationCanceledException)
                {
                    await StopAsync(process);
                    return;
                }
            }
            Current = null;
            OnChanged?.Invoke();
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(30)) pause = TimeSpan.Zero;
            await Task.Delay(pause, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
            pause = pause == TimeSpan.Zero ? TimeSpan.FromMilliseconds(250) : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private Process Start()
    {
        // The shell only points the output to the log file and becomes the program.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", logFile, .. command]) { UseShellExecute = false };
        foreach (var (variable, value) in Programs.Environment) start.Environment[variable] = value;
        return Process.Start(start)!;
    }

    private static async Task StopAsync(Process process)
    {
        try
        {
            Posix.Kill(process.Id, Posix.SigTerm);
            using var limit = new CancellationTokenSource(Grace);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }
}
