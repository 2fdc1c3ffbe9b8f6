using System.Globalization;
using Lateen.Support;

namespace Lateen.Integration.Tests;

/// <summary>What a mesh could leave on a machine, as it is at one moment. Immutable.</summary>
internal sealed record MachineTraces
{
    /// <summary>Processes, by id and start time, with their command lines.</summary>
    public required IReadOnlyDictionary<(int Pid, string Start), string> Processes { get; init; }

    /// <summary>Named network namespaces.</summary>
    public required IReadOnlySet<string> Namespaces { get; init; }

    /// <summary>Mount points of this process's mount namespace.</summary>
    public required IReadOnlySet<string> Mounts { get; init; }

    /// <summary>Network interfaces.</summary>
    public required IReadOnlySet<string> Interfaces { get; init; }

    /// <summary>Rules of the packet filter.</summary>
    public required IReadOnlySet<string> Rules { get; init; }

    /// <summary>Network settings of the kernel.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <summary>Entries of /tmp.</summary>
    public required IReadOnlySet<string> TemporaryFiles { get; init; }

    /// <summary>Looks.</summary>
    public static async Task<MachineTraces> ReadAsync()
    {
        using var rules = await LocalProcess.RunAsync(Tools.Require("iptables-save"), []);
        return new MachineTraces
        {
            Processes = Directory.EnumerateDirectories("/proc").Select(ReadProcess).OfType<((int, string), string)>().ToDictionary(entry => entry.Item1, entry => entry.Item2),
            Namespaces = Names("/run/netns"),
            Mounts = File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')[1]).ToHashSet(),
            Interfaces = Names("/sys/class/net"),
            Rules = rules.Output.Split('\n').Where(line => line.StartsWith('-')).ToHashSet(),
            Settings = new[] { "net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/all/route_localnet", "net/ipv4/ip_unprivileged_port_start", "net/ipv6/conf/all/disable_ipv6", "kernel/core_pattern", "fs/inotify/max_user_instances" }
                .Where(name => File.Exists($"/proc/sys/{name}")).ToDictionary(name => name, name => File.ReadAllText($"/proc/sys/{name}")),
            TemporaryFiles = Names("/tmp"),
        };
    }

    /// <summary>What of another look, between which and an earlier one a mesh was started, is still here; empty is clean.</summary>
    /// <param name="before">Before the mesh.</param>
    /// <param name="during">While it ran.</param>
    public IReadOnlyList<string> LeftOf(MachineTraces before, MachineTraces during)
    {
        var started = during.Processes.Keys.Where(process => !before.Processes.ContainsKey(process)).ToHashSet();
        var pids = started.Select(process => process.Pid.ToString(CultureInfo.InvariantCulture)).ToHashSet();
        return
        [
            .. started.Where(Processes.ContainsKey).Select(process => $"process {process.Pid}: {Processes[process]}"),
            .. Left("namespace", before.Namespaces, during.Namespaces, Namespaces),
            .. Left("mount", before.Mounts, during.Mounts, Mounts),
            .. Left("interface", before.Interfaces, during.Interfaces, Interfaces),
            .. Left("rule", before.Rules, during.Rules, Rules),
            .. Settings.Where(setting => before.Settings[setting.Key] != setting.Value).Select(setting => $"setting {setting.Key} is {setting.Value.Trim()}"),
            // The runtime names its diagnostics sockets after the process.
            .. Left("file", before.TemporaryFiles, during.TemporaryFiles, TemporaryFiles).Where(file => file.Contains("lateen", StringComparison.Ordinal) || file.Split('-', '.').Any(pids.Contains)),
        ];
    }

    private static IEnumerable<string> Left(string kind, IReadOnlySet<string> before, IReadOnlySet<string> during, IReadOnlySet<string> after) =>
        after.Where(name => during.Contains(name) && !before.Contains(name)).Select(name => $"{kind} {name}");

    private static IReadOnlySet<string> Names(string folder) => Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)).ToHashSet() : new HashSet<string>();

    private static ((int Pid, string Start), string Command)? ReadProcess(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) return null;
        try
        {
            // Source: proc(5): the name in brackets may hold blanks; the start time is the 20th word after it.
            var stat = File.ReadAllText($"{folder}/stat");
            var start = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
            var command = File.ReadAllText($"{folder}/cmdline").Replace('\0', ' ').Trim();
            return command.Length == 0 ? null : ((pid, start), command);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
