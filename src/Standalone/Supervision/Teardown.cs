using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;
using Lateen.Standalone.Layout;

namespace Lateen.Standalone.Supervision;

/// <summary>
/// Takes a mesh away, whatever is left of it: asks the supervisor, then ends what still runs in the mesh's namespaces or was
/// noted down, then deletes namespaces and folder. Works after a crash of everything.
/// </summary>
internal static class Teardown
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>True when there was something to take away.</summary>
    public static async Task<bool> RunAsync(MeshLayout layout)
    {
        var noted = ReadProcesses(layout).ToList();
        var namespaces = NetworkNamespace.WithPrefix(layout.NamespacePrefix);
        if (noted.Count == 0 && namespaces.Count == 0 && !Directory.Exists(layout.StateFolder)) return false;

        var supervisor = noted.FirstOrDefault(process => process.Name == "supervisor");
        supervisor.Identity?.Signal(Posix.SigTerm);
        await WaitAsync(() => supervisor.Identity?.IsAlive != true);

        // Pods outlive the runtime on purpose: they end here.
        foreach (var process in noted) process.Identity?.Signal(Posix.SigKill);
        foreach (var round in Enumerable.Range(0, 50))
        {
            List<int> left = [.. InNamespaces(namespaces), .. MarkedProcesses.Find(NodeServer.MeshVariable, layout.NamespacePrefix).Select(process => process.Pid)];
            if (left.Count == 0) break;
            foreach (var pid in left) Posix.Kill(pid, round < 5 ? Posix.SigTerm : Posix.SigKill);
            await Task.Delay(100);
        }
        foreach (var space in namespaces) await space.DeleteAsync();
        if (Directory.Exists(layout.StateFolder)) Directory.Delete(layout.StateFolder, recursive: true);
        return true;
    }

    /// <summary>The processes that the supervisor has noted down.</summary>
    public static IEnumerable<(string Name, ProcessIdentity? Identity)> ReadProcesses(MeshLayout layout)
    {
        if (!File.Exists(layout.ProcessesFile)) yield break;
        foreach (var entry in JsonNode.Parse(File.ReadAllText(layout.ProcessesFile))!.AsArray().OfType<JsonObject>())
            yield return ((string)entry["name"]!, new ProcessIdentity((int)entry["pid"]!, (long)entry["startTicks"]!));
    }

    private static List<int> InNamespaces(IReadOnlyList<NetworkNamespace> namespaces)
    {
        var wanted = namespaces.Where(space => space.Exists).Select(space => space.ReadIdentity()).ToHashSet();
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == Environment.ProcessId) continue;
            try
            {
                if (new FileInfo($"{folder}/ns/net").LinkTarget is { } target && wanted.Contains(target)) found.Add(pid);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended in between.
            }
        }
        return found;
    }

    private static async Task WaitAsync(Func<bool> isDone)
    {
        var until = DateTime.UtcNow + Patience;
        while (!isDone() && DateTime.UtcNow < until) await Task.Delay(50);
    }
}
