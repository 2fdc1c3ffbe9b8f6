using System.Diagnostics;

namespace Lateen.EmbeddedCluster.Processes;

/// <summary>What a program that ran to its end gave.</summary>
/// <param name="ExitCode">0 when it succeeded.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record LocalCommandResult(int ExitCode, string Output, string Error);

/// <summary>Runs the machine's own small programs: ip, iptables-restore, unshare. Any thread.</summary>
public static class LocalCommand
{
    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="IOException">It could not be started or failed; the message has its standard error.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, string? input = null, CancellationToken cancel = default)
    {
        var result = await TryRunAsync(program, arguments, input, cancel);
        return result.ExitCode == 0
            ? result.Output
            : throw new IOException($"{program} {string.Join(' ', arguments)} failed ({result.ExitCode}): {result.Error.Trim()}");
    }

    /// <summary>Runs a program to its end, whatever that is.</summary>
    /// <exception cref="IOException">It could not be started.</exception>
    public static async Task<LocalCommandResult> TryRunAsync(
        string program, IReadOnlyList<string> arguments, string? input = null, CancellationToken cancel = default)
    {
        using var process = Start(program, arguments);
        return await FinishAsync(process, input, cancel);
    }

    /// <summary>Runs a program to its end inside a network namespace.</summary>
    /// <exception cref="IOException">It could not be started, or the namespace is not there.</exception>
    public static async Task<LocalCommandResult> TryRunInAsync(
        NetworkNamespace space, string program, IReadOnlyList<string> arguments, string? input = null, CancellationToken cancel = default)
    {
        using var process = await NamespaceThread.RunAsync(program, () =>
        {
            space.Enter();
            return Start(program, arguments);
        });
        return await FinishAsync(process, input, cancel);
    }

    /// <summary>Whether a program of this name is on the path or in a system folder.</summary>
    public static bool Exists(string program) => Find(program) is not null;

    private static Process Start(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Find(program) ?? throw new IOException($"{program} is not installed"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new IOException($"{program}: {failure.Message}", failure);
        }
    }

    private static async Task<LocalCommandResult> FinishAsync(Process process, string? input, CancellationToken cancel)
    {
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = process.StandardError.ReadToEndAsync(cancel);
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all; its exit code and message say why.
        }
        try
        {
            await process.WaitForExitAsync(cancel);
            return new LocalCommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    // The path of an unprivileged login lacks the folders where ip and iptables lie.
    private static string? Find(string program)
    {
        if (program.Contains('/')) return File.Exists(program) ? program : null;
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
            .Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
    }
}
