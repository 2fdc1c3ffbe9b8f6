namespace Lateen.Proxy.Tls;

/// <summary>
/// Tells when files have changed by what stat says of them, the target of a symbolic link included, so that Kubernetes' swapped
/// directories are seen. Owned by one thread.
/// </summary>
internal sealed class SecretFileWatch
{
    private readonly Dictionary<string, string> _seen = new(StringComparer.Ordinal);

    /// <summary>One of the files is not as it was at the last question; false for files that are asked about for the first time.</summary>
    public bool HasChanged(IEnumerable<string> files)
    {
        var changed = false;
        foreach (var file in files)
        {
            var now = StampOf(file);
            changed |= _seen.TryGetValue(file, out var before) && before != now;
            _seen[file] = now;
        }
        return changed;
    }

    /// <summary>Takes the files as changed at the next question.</summary>
    public void TryAgain(IEnumerable<string> files)
    {
        foreach (var file in files) _seen[file] = "";
    }

    private static string StampOf(string file)
    {
        try
        {
            var target = File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? RealFolder(file);
            var info = new FileInfo(target);
            return info.Exists ? $"{target}|{info.Length}|{info.LastWriteTimeUtc.Ticks}" : "gone";
        }
        catch (IOException)
        {
            return "gone";
        }
        catch (UnauthorizedAccessException)
        {
            return "gone";
        }
    }

    /// <summary>The file in the folder that its folder's link points to.</summary>
    private static string RealFolder(string file) =>
        Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && Directory.ResolveLinkTarget(folder, returnFinalTarget: true) is { } target
            ? Path.Combine(target.FullName, Path.GetFileName(file))
            : file;
}
