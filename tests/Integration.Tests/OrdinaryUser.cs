using System.Globalization;
using Lateen.Support;

namespace Lateen.Integration.Tests;

/// <summary>
/// The user "daemon", who is not root, with a folder for a mesh. Which user ids it may lend is said in a mount namespace where nobody
/// else sees it.
/// </summary>
internal sealed class OrdinaryUser : IDisposable
{
    private const string Name = "daemon";
    private const long Number = 1, FirstLent = 2_000_000, Lent = 65536;
    private readonly TempFolder _folder = new();
    private readonly string _ranges;

    /// <param name="lendsIds">Whether it has a range of user ids of its own (subuid(5)).</param>
    public OrdinaryUser(bool lendsIds)
    {
        foreach (var tool in new[] { "unshare", "setpriv" }) Tools.Require(tool);
        File.SetUnixFileMode(_folder.FullName, (UnixFileMode)0b111_111_111);
        _ranges = _folder.Write("ranges", lendsIds ? $"{Name}:{FirstLent}:{Lent}\n" : "");
    }

    /// <summary>Folder of its mesh's state.</summary>
    public string State => _folder.PathOf("mesh");

    /// <summary>Runs a command of meshd as this user.</summary>
    public Task<LocalProcess> MeshdAsync(params string[] command) => LocalProcess.RunAsync(
        "unshare",
        [
            "--mount", "sh", "-c", "mount --bind \"$0\" /etc/subuid && mount --bind \"$0\" /etc/subgid && user=$1 && shift && exec setpriv --reuid \"$user\" --regid \"$user\" --clear-groups -- \"$@\"",
            _ranges, Name, MeshFixture.Program("meshd"), .. command, "--state", State,
        ],
        TimeSpan.FromMinutes(4),
        new Dictionary<string, string?> { ["HOME"] = _folder.FullName, ["USER"] = Name });

    /// <summary>Command lines of the processes that run as this user or as one of its lent ids.</summary>
    public static IEnumerable<string> Processes()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            string line, command;
            try
            {
                line = File.ReadLines($"{folder}/status").First(text => text.StartsWith("Uid:", StringComparison.Ordinal));
                command = File.ReadAllText($"{folder}/cmdline").Replace('\0', ' ');
            }
            catch (IOException)
            {
                continue;
            }
            var user = long.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture);
            if (user is Number or >= FirstLent and < FirstLent + Lent) yield return command;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
