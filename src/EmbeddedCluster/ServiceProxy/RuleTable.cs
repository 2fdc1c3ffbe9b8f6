using Lateen.EmbeddedCluster.Processes;

namespace Lateen.EmbeddedCluster.ServiceProxy;

/// <summary>Puts the rules into the kernel, for the network namespace of this process. Owned by one loop.</summary>
internal sealed class RuleTable
{
    private static readonly string[] Programs = ["iptables-restore", "iptables-legacy-restore", "iptables-nft-restore"];

    private string? _program;
    private string? _applied;

    /// <summary>Replaces the tables unless they have this text already.</summary>
    /// <exception cref="IOException">The rules were refused, or the machine has no iptables.</exception>
    public async Task ApplyAsync(string rules, CancellationToken cancel)
    {
        if (rules == _applied) return;
        _program ??= await ChooseAsync(cancel);
        await LocalCommand.RunAsync(_program, ["-w", "5"], rules, cancel);
        _applied = rules;
    }

    // The default may need a kernel module that only another of the variants does without.
    private static async Task<string> ChooseAsync(CancellationToken cancel)
    {
        var failures = new List<string>();
        foreach (var program in Programs.Where(LocalCommand.Exists))
        {
            var probe = await LocalCommand.TryRunAsync(program, ["-w", "5", "--test"], ServiceRules.Build([], "10.96.0.0/16"), cancel);
            if (probe.ExitCode == 0) return program;
            failures.Add($"{program}: {probe.Error.Trim()}");
        }
        throw new IOException(failures.Count == 0 ? "iptables is not installed (Debian: apt-get install iptables)" : string.Join("; ", failures));
    }
}
