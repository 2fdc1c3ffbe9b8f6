namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>
/// Without a mount namespace nothing can be shown at a mount point: words and variables that name a path there are given the volume's
/// own path instead. Pure.
/// </summary>
internal static class VisiblePaths
{
    /// <summary>The plan as a process without a mount namespace needs it.</summary>
    public static ContainerPlan Resolve(ContainerPlan plan)
    {
        var mounts = plan.Mounts.OrderByDescending(mount => mount.Target.Length).ToArray();
        return plan with
        {
            Command = [.. plan.Command.Select(word => Resolve(word, mounts))],
            Environment = plan.Environment.ToDictionary(variable => variable.Key, variable => Resolve(variable.Value, mounts)),
            WorkingDir = Resolve(plan.WorkingDir, mounts),
        };
    }

    private static string Resolve(string text, IReadOnlyList<ContainerMount> mounts)
    {
        // As in --flag=/a/path.
        var start = text.StartsWith('-') ? text.IndexOf('=', StringComparison.Ordinal) + 1 : 0;
        var path = text[start..];
        foreach (var mount in mounts)
            if (path == mount.Target || path.StartsWith(mount.Target.TrimEnd('/') + "/", StringComparison.Ordinal)) return text[..start] + mount.Source + path[mount.Target.TrimEnd('/').Length..];
        return text;
    }
}
