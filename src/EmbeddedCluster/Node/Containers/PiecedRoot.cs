using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>
/// Puts a view of the machine's files together from pieces, for a mesh in a user namespace. There the kernel lays no overlay over a
/// folder that has mounts below it, since that would show what they cover, and lets nothing be made in folders whose owner has no
/// number in the namespace. So the folders on the way to a mount, or to a path that the container is given, are made anew; every
/// other folder is an overlay of its own, and every file is bound. Runs on a <see cref="Processes.NamespaceThread"/>.
/// </summary>
internal sealed class PiecedRoot
{
    // Made for each container, not carried over.
    private static readonly HashSet<string> Own = ["/proc", "/sys", "/dev", "/run"];

    private readonly string _stage;
    private readonly string _root;
    private readonly HashSet<string> _ways = ["/"];
    private readonly List<string> _overlays = [];

    private PiecedRoot(string stage, string root, IEnumerable<string> paths)
    {
        (_stage, _root) = (stage, root);
        foreach (var path in paths)
            for (var folder = Path.GetDirectoryName(path); folder is not (null or "/"); folder = Path.GetDirectoryName(folder)) _ways.Add(folder);
    }

    /// <summary>Fills an empty folder.</summary>
    /// <param name="stage">A folder in memory for the overlays' changes.</param>
    /// <param name="root">The folder to fill.</param>
    /// <param name="paths">Mount points of the machine, and paths at which the container is to have something of its own.</param>
    /// <returns>The folders that are overlays.</returns>
    public static IReadOnlyList<string> Fill(string stage, string root, IEnumerable<string> paths)
    {
        var pieces = new PiecedRoot(stage, root, paths);
        pieces.Make("/");
        return pieces._overlays;
    }

    private void Make(string folder)
    {
        foreach (var entry in Entries(folder))
        {
            var path = entry.FullName;
            if (Own.Contains(path)) Directory.CreateDirectory(_root + path);
            else if (entry.LinkTarget is { } target) File.CreateSymbolicLink(_root + path, target);
            else if (entry is not DirectoryInfo) Bind(path, () => File.WriteAllText(_root + path, ""));
            else
            {
                Directory.CreateDirectory(_root + path);
                if (_ways.Contains(path)) Make(path);
                else Show(path);
            }
        }
    }

    private void Show(string folder)
    {
        var (changes, work) = ($"{_stage}/{_overlays.Count}.changes", $"{_stage}/{_overlays.Count}.work");
        try
        {
            Directory.CreateDirectory(changes);
            File.SetUnixFileMode(changes, File.GetUnixFileMode(folder));
            Directory.CreateDirectory(work);
            LinuxMounts.MountOverlay(_root + folder, folder, changes, work);
            _overlays.Add(folder);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // A file system that no overlay takes is shown as it is.
            Bind(folder, () => { });
        }
    }

    private void Bind(string path, Action make)
    {
        try
        {
            make();
            LinuxMounts.Bind(path, _root + path, recursive: true);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // What this user may not see is no part of the container.
        }
    }

    private static FileSystemInfo[] Entries(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).GetFileSystemInfos();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
