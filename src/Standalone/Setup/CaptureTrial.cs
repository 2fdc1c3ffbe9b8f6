using Lateen.EmbeddedCluster.Processes;

namespace Lateen.Standalone.Setup;

/// <summary>
/// Finds out whether this machine can capture traffic by doing it: a network namespace of its own, and in it rules of the kinds that
/// istio-iptables installs. Kernels without the owner match, containers without the right to make namespaces and broken iptables all
/// say so here, before anything is started.
/// </summary>
internal static class CaptureTrial
{
    // Both kinds in one transaction, as for a pod: the match of the proxy's user, and the redirection.
    private const string Rules = """
        *nat
        -A OUTPUT -p tcp -m owner --uid-owner 1337 -j RETURN
        -A OUTPUT -p tcp -j REDIRECT --to-ports 15001
        COMMIT

        """;

    /// <summary>Null when it works; else what failed, for a person. Leaves nothing behind.</summary>
    public static async Task<string?> RunAsync(string name)
    {
        var space = new NetworkNamespace(name);
        try
        {
            if (space.Exists) await space.DeleteAsync();
            await space.CreateAsync();
            // By a program that enters the namespace, not by a thread of ours: what that thread starts in the runtime would stay in there.
            var result = await LocalCommand.TryRunAsync("nsenter", [$"--net={space.Path}", "--", "iptables-restore"], Rules);
            return result.ExitCode == 0 ? null : $"iptables-restore refused a rule with an owner match: {result.Error.Trim()}";
        }
        catch (IOException e)
        {
            return e.Message;
        }
        finally
        {
            await space.DeleteAsync();
        }
    }
}
