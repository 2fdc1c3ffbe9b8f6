using System.Globalization;
using System.Security.Cryptography;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Volumes;

/// <summary>A file that a volume shows. Immutable.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Mode">Permission bits.</param>
internal sealed record VolumeFile(byte[] Content, int Mode);

/// <summary>
/// A folder whose files change all at once: they lie in a folder of their own to which <c>..data</c> points, and the link is swapped
/// (pkg/volume/util/atomic_writer.go says why each step is as it is). Owned by one pod's worker.
/// </summary>
internal static class AtomicFolder
{
    private const string Current = "..data", Next = "..data_tmp";

    /// <summary>Makes the folder show exactly these files.</summary>
    /// <param name="folder">Absolute path; made when missing.</param>
    /// <param name="files">By path below the folder.</param>
    /// <param name="group">Group that may read them, or null.</param>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Write(string folder, IReadOnlyDictionary<string, VolumeFile> files, int? group)
    {
        Directory.CreateDirectory(folder);
        var hash = HashOf(files);
        var hashFile = $"{folder}.hash";
        if (File.Exists(hashFile) && File.ReadAllText(hashFile) == hash) return;

        // 1. The new files, complete, beside the old ones.
        var version = $"..{DateTime.UtcNow.ToString("yyyy_MM_dd_HH_mm_ss", CultureInfo.InvariantCulture)}.{Random.Shared.Next(1_000_000_000)}";
        foreach (var (path, file) in files)
        {
            var target = $"{folder}/{version}/{path}";
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, file.Content);
            File.SetUnixFileMode(target, (UnixFileMode)((file.Mode | (group is null ? 0 : 0x20)) & 0x1FF));
            if (group is { } id) FileOwners.Change(target, -1, id);
        }
        Directory.CreateDirectory($"{folder}/{version}");

        // 2. From one moment to the next, readers see the new ones.
        var previous = new FileInfo($"{folder}/{Current}").LinkTarget;
        File.Delete($"{folder}/{Next}");
        File.CreateSymbolicLink($"{folder}/{Next}", version);
        Posix.Rename($"{folder}/{Next}", $"{folder}/{Current}");

        // 3. The names that users see, which lead through the link.
        var names = files.Keys.Select(path => path.Split('/')[0]).ToHashSet();
        foreach (var name in names.Where(name => new FileInfo($"{folder}/{name}").LinkTarget is null)) File.CreateSymbolicLink($"{folder}/{name}", $"{Current}/{name}");
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            if (!entry.Name.StartsWith("..", StringComparison.Ordinal) && !names.Contains(entry.Name)) File.Delete(entry.FullName);

        // 4. The old files.
        if (previous is not null) Directory.Delete($"{folder}/{previous}", recursive: true);
        File.WriteAllText(hashFile, hash);
    }

    private static string HashOf(IReadOnlyDictionary<string, VolumeFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, file) in files.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{path}\0{file.Mode}\0{file.Content.Length}\0")));
            hash.AppendData(file.Content);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
