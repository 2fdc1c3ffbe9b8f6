using System.Diagnostics;
using System.Text;
using Lateen.Foundation.Interop;
using Xunit;

namespace Lateen.Support;

/// <summary>A program that a test started: its output is kept, and it is killed with its children when the test ends.</summary>
public sealed class LocalProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private LocalProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Everything it wrote so far, both streams in the order of arrival.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it ended with.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts a program. Standard input is empty.</summary>
    public static LocalProcess Start(string path, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string? folder = null)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "", UseShellExecute = false,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        return new LocalProcess(start);
    }

    /// <summary>Runs a program to its end and returns it with all its output; fails the test when it takes too long.</summary>
    public static async Task<LocalProcess> RunAsync(string path, IEnumerable<string> arguments, TimeSpan? within = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var process = Start(path, arguments, environment);
        try
        {
            await process.WaitAsync(within ?? TimeSpan.FromSeconds(30));
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> WaitAsync(TimeSpan within)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(within);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{_process.StartInfo.FileName} did not end within {within.TotalSeconds:F0} s; it wrote:\n{Output}");
        }
        return _process.ExitCode;
    }

    /// <summary>Waits until it has written a text.</summary>
    public Task WaitForOutputAsync(string part, TimeSpan? within = null) => Eventually.PassesAsync(() => Assert.Contains(part, Output), within);

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Posix.Kill(Id, signal);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit(5000);
        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_output) _output.Append(line.Data).Append('\n');
    }
}
