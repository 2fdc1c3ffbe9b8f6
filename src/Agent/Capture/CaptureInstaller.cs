using System.Diagnostics;
using System.Text;
using Lateen.Foundation.Cli;

namespace Lateen.Agent.Capture;

/// <summary>
/// Puts the rules in place by iptables-restore, in one step; what an earlier run put there is taken away first, so that running it
/// again changes nothing. Finds iptables on PATH.
/// </summary>
internal static class CaptureInstaller
{
    /// <summary>The text that iptables-restore gets.</summary>
    public static string RestoreText(CaptureConfig config)
    {
        var text = new StringBuilder("* nat\n");
        foreach (var chain in CaptureRules.Chains) text.Append("-N ").Append(chain).Append('\n');
        foreach (var rule in CaptureRules.Build(config)) text.Append(rule).Append('\n');
        return text.Append("COMMIT\n").ToString();
    }

    public static async Task InstallAsync(CaptureConfig config)
    {
        await CleanUpAsync();
        var (code, _, error) = await RunAsync("iptables-restore", ["--noflush"], RestoreText(config));
        if (code != 0) throw new CommandFailedException($"iptables-restore refused the rules: {error.Trim()}");
    }

    /// <summary>Takes the rules away; nothing happens where there are none.</summary>
    public static async Task CleanUpAsync()
    {
        var (code, saved, error) = await RunAsync("iptables-save", ["-t", "nat"], "");
        if (code != 0) throw new CommandFailedException($"iptables-save failed: {error.Trim()}");
        var text = new StringBuilder("* nat\n");
        var lines = saved.Split('\n');
        foreach (var line in lines.Where(line => CaptureRules.Hooks.Any(hook => line.StartsWith($"-A {hook} ", StringComparison.Ordinal)) && line.Contains("-j ISTIO_", StringComparison.Ordinal)))
            text.Append("-D").Append(line.AsSpan(2)).Append('\n');
        var present = CaptureRules.Chains.Where(chain => lines.Any(line => line.StartsWith($":{chain} ", StringComparison.Ordinal))).ToList();
        foreach (var chain in present) text.Append("-F ").Append(chain).Append('\n');
        foreach (var chain in present) text.Append("-X ").Append(chain).Append('\n');
        if (present.Count == 0) return;
        (code, _, error) = await RunAsync("iptables-restore", ["--noflush"], text.Append("COMMIT\n").ToString());
        if (code != 0) throw new CommandFailedException($"iptables-restore could not take the old rules away: {error.Trim()}");
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, string[] arguments, string input)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode, await output, await error);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CommandFailedException($"{program} cannot be run: {e.Message}; install the package iptables", e);
        }
    }
}
