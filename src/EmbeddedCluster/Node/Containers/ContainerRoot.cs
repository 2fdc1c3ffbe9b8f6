using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>
/// Gives the calling thread the file system of a container: the machine's own, seen through an overlay, so that every change
/// stays in the container and any path can be a mount point. Runs on a <see cref="Processes.NamespaceThread"/>.
/// </summary>
/// <remarks>
/// 1. A private mount table, with a file system in memory to take the container's changes. 2. The machine's root under an overlay, and
/// what else the machine has mounted under overlays of their own; or, where the kernel refuses that, pieces of both. 3. Devices and an empty /run. 4. The container's files and links.
/// 5. The pod's volumes. 6. Paths opened for a user who is not root. 7. The change of root.
/// /proc comes later, from within, since it belongs to the process namespace.
/// </remarks>
internal static class ContainerRoot
{
    /// <summary>Where the folder of the container's attempt is to be seen until the program starts.</summary>
    public const string AttemptFolder = "/run/container";

    /// <summary>Enters the plan's file system. The stage is an empty folder that nobody else uses.</summary>
    /// <exception cref="IOException">The kernel refused a step; the message says which.</exception>
    public static void Enter(ContainerPlan plan, string stage)
    {
        var present = MountTable.ReadMountPoints();

        // 1.
        LinuxMounts.MakeAllPrivate();
        LinuxMounts.MountMemory(stage, "0755");

        // 2.
        var (root, overlays) = LinuxNamespaces.HasAllUsers ? ShowWhole(stage, present) : ShowPieces(stage, present, plan);

        // 3.
        MountDevices(root);
        LinuxMounts.MountSystem(MakeFolder(root, "/sys"));
        LinuxMounts.MountMemory(MakeFolder(root, "/run"), "0755");
        MakeFolder(root, "/run/lock");
        LinuxMounts.Bind(plan.Folder, MakeFolder(root, AttemptFolder));

        // 4.
        foreach (var (path, text) in plan.Files) Replace(root, path, file => File.WriteAllText(file, text));
        foreach (var (path, target) in plan.Links) Replace(root, path, link => File.CreateSymbolicLink(link, target));

        // 5.
        foreach (var mount in plan.Mounts.OrderBy(mount => mount.Target.Length)) MountVolume(mount, root);
        MakeFolder(root, plan.WorkingDir);

        // 6.
        if (plan.User != 0) OpenPaths(plan, root, overlays, [.. present, .. overlays, .. plan.Mounts.Select(mount => mount.Target)]);

        // 7.
        LinuxMounts.ChangeRoot(root);
    }

    private static (string Root, IReadOnlyList<string> Overlays) ShowWhole(string stage, IReadOnlyList<string> present)
    {
        var root = Overlay(stage, "root", "/");
        var overlays = new List<string> { "/" };
        foreach (var point in present.Where(IsCarriedOver))
            if (CarryOver(point, root, $"{stage}/{overlays.Count}")) overlays.Add(point);
        return (root, overlays);
    }

    private static (string Root, IReadOnlyList<string> Overlays) ShowPieces(string stage, IReadOnlyList<string> present, ContainerPlan plan)
    {
        var root = $"{stage}/root";
        Directory.CreateDirectory(root);
        LinuxMounts.MountMemory(root, "0755");
        // The kernel lets a user namespace mount a /proc only where one is to be seen already.
        Directory.CreateDirectory($"{root}/proc");
        LinuxMounts.Bind("/proc", $"{root}/proc", recursive: true);
        return (root, PiecedRoot.Fill(stage, root, [.. present.Where(IsCarriedOver), .. plan.Files.Keys, .. plan.Links.Keys, .. plan.Mounts.Select(mount => mount.Target), plan.WorkingDir]));
    }

    private static bool IsCarriedOver(string point) =>
        point != "/" && !IsBelow(point, "/proc") && !IsBelow(point, "/sys") && !IsBelow(point, "/dev") && !IsBelow(point, "/run");

    // As container runtimes make it (runtime-spec, "Default Devices"). Terminals are the machine's, where an exec session takes its own.
    private static void MountDevices(string root)
    {
        LinuxMounts.MountMemory(MakeFolder(root, "/dev"), "0755");
        foreach (var name in (string[])["null", "zero", "full", "random", "urandom", "tty"])
        {
            if (!File.Exists($"/dev/{name}")) continue;
            File.WriteAllText($"{root}/dev/{name}", "");
            LinuxMounts.Bind($"/dev/{name}", $"{root}/dev/{name}");
        }
        LinuxMounts.Bind("/dev/pts", MakeFolder(root, "/dev/pts"));
        LinuxMounts.MountMemory(MakeFolder(root, "/dev/shm"), "1777");
        foreach (var (link, target) in new[] { ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2") })
            File.CreateSymbolicLink($"{root}/dev/{link}", target);
    }

    private static bool IsBelow(string path, string folder) =>
        path.StartsWith(folder, StringComparison.Ordinal) && (path.Length == folder.Length || path[folder.Length] == '/');

    // True when an overlay protects it; what cannot be overlaid (a file, a remote folder) is shown as it is.
    private static bool CarryOver(string point, string root, string stage)
    {
        try
        {
            var overlay = Directory.Exists(point);
            if (overlay)
            {
                try
                {
                    LinuxMounts.Bind(Overlay(stage, "root", point), root + point);
                }
                catch (IOException)
                {
                    overlay = false;
                }
            }
            if (!overlay) LinuxMounts.Bind(point, root + point);
            return overlay;
        }
        catch (IOException)
        {
            // A mount that root may not enter (another user's FUSE), or one that something covers, is no part of the container.
            return false;
        }
    }

    private static string Overlay(string stage, string name, string lower)
    {
        var (upper, work, merged) = ($"{stage}/{name}.changes", $"{stage}/{name}.work", $"{stage}/{name}");
        Directory.CreateDirectory(upper);
        File.SetUnixFileMode(upper, File.GetUnixFileMode(lower));
        Directory.CreateDirectory(work);
        Directory.CreateDirectory(merged);
        LinuxMounts.MountOverlay(merged, lower, upper, work);
        return merged;
    }

    private static string MakeFolder(string root, string path) => Directory.CreateDirectory(Resolve(root, path)).FullName;

    private static void Replace(string root, string path, Action<string> write)
    {
        var file = Resolve(root, Path.GetDirectoryName(path)!) + "/" + Path.GetFileName(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        // A container engine may have mounted a file of its own here (/etc/hosts); it cannot be deleted, only uncovered.
        LinuxMounts.Unmount(file);
        File.Delete(file);
        write(file);
    }

    private static void MountVolume(ContainerMount mount, string root)
    {
        var target = Resolve(root, mount.Target);
        if (Directory.Exists(mount.Source)) Directory.CreateDirectory(target);
        else if (!File.Exists(target))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllText(target, "");
        }
        LinuxMounts.Bind(mount.Source, target, recursive: true, mount.ReadOnly);
    }

    /// <summary>Follows symbolic links the way the container will, where /var/run leads to its own /run and not to the machine's.</summary>
    private static string Resolve(string root, string path)
    {
        var pending = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var resolved = "";
        for (var links = 0; pending.TryPop(out var part);)
        {
            if (part == ".") continue;
            if (part == "..")
            {
                resolved = resolved.Length > 0 ? resolved[..resolved.LastIndexOf('/')] : "";
                continue;
            }
            var next = $"{resolved}/{part}";
            var target = new FileInfo(root + next).LinkTarget;
            if (target is null || ++links > 40)
            {
                resolved = next;
                continue;
            }
            if (target.StartsWith('/')) resolved = "";
            foreach (var step in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) pending.Push(step);
        }
        return root + resolved;
    }

    // A checkout or SDK below /root, which only root may enter, still has to run as the sidecar's user. Only overlays change.
    private static void OpenPaths(ContainerPlan plan, string root, IReadOnlyList<string> overlays, IReadOnlyList<string> mounts)
    {
        var paths = plan.Command.Concat(plan.Links.Values).Concat(plan.Environment.Values).Append(plan.WorkingDir).Where(path => path.StartsWith('/'));
        foreach (var path in paths)
            for (var folder = Path.GetDirectoryName(path); folder is not (null or "/"); folder = Path.GetDirectoryName(folder))
            {
                var seen = root + folder;
                var mount = mounts.Where(point => IsBelow(folder, point)).MaxBy(point => point.Length) ?? "/";
                if (!overlays.Contains(mount) || !Directory.Exists(seen)) continue;
                var mode = File.GetUnixFileMode(seen);
                if ((mode & UnixFileMode.OtherExecute) == 0) File.SetUnixFileMode(seen, mode | UnixFileMode.OtherExecute);
            }
    }
}
