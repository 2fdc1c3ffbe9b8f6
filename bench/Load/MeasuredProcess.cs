using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Bench.Load;

/// <summary>CPU time of a process in microseconds.</summary>
internal readonly record struct CpuTime(double User, double System)
{
    public double Total => User + System;

    public static CpuTime operator -(CpuTime later, CpuTime earlier) => new(later.User - earlier.User, later.System - earlier.System);
}

/// <summary>A program that this run started, pinned to a processor, and what it costs. Killed when disposed.</summary>
internal sealed class MeasuredProcess : IDisposable
{
    // USER_HZ of Linux on every architecture that .NET runs on.
    private const double MicrosecondsPerTick = 10_000;
    private readonly Process _process;

    private MeasuredProcess(Process process) => _process = process;

    public static MeasuredProcess Start(int processor, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("taskset", ["-c", processor.ToString(CultureInfo.InvariantCulture), program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        // Read and forgotten: a full pipe would stop the program.
        process.OutputDataReceived += static (_, _) => { };
        var errors = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
                if (line.Data is { } text && errors.Count < 20)
                    errors.Add(text);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new MeasuredProcess(process) { _errors = errors };
    }

    private List<string> _errors = [];

    public bool HasExited => _process.HasExited;

    /// <summary>The first lines that it wrote on its error output.</summary>
    public string Errors
    {
        get
        {
            lock (_errors) return string.Join('\n', _errors);
        }
    }

    public CpuTime Cpu
    {
        get
        {
            var text = File.ReadAllText($"/proc/{_process.Id}/stat");
            // The name in parentheses may hold blanks; user and system time are the 14th and 15th fields.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new CpuTime(double.Parse(fields[11], CultureInfo.InvariantCulture) * MicrosecondsPerTick, double.Parse(fields[12], CultureInfo.InvariantCulture) * MicrosecondsPerTick);
        }
    }

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMiB =>
        File.ReadLines($"/proc/{_process.Id}/status").Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024).FirstOrDefault();

    /// <summary>Waits until it accepts connections; false when it ends or does not within the time.</summary>
    public bool Serves(int port, double seconds = 60)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < seconds && !HasExited; Thread.Sleep(20))
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                // Not yet.
            }
        }
        return false;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Runs a program to its end; its output.</summary>
    public static string Run(int processor, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("taskset", ["-c", processor.ToString(CultureInfo.InvariantCulture), program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + errors.Result;
    }
}
