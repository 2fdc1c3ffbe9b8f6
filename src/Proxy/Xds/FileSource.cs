using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Resources from files: each holds a DiscoveryResponse in YAML or JSON. A file is read again when it, the link that leads to it
/// or its watched directory has changed; a file that cannot be read or honoured leaves what was there. Looked at a few times a
/// second rather than watched: inotify instances are few on a machine with many proxies. Runs on the thread pool.
/// The roots are the files that the bootstrap names.
/// </summary>
internal sealed class FileSource(IReadOnlyList<(string TypeUrl, ConfigOrigin Origin)> roots, ResourceState resources, ILogger log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly Dictionary<(string TypeUrl, string File), string> _seen = [];

    /// <summary>Every file of the bootstrap has been read once.</summary>
    public bool HasInitial => roots.All(root => _seen.ContainsKey((root.TypeUrl, root.Origin.File!)));

    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            LookOnce();
            await Task.Delay(Interval, cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>Reads what has changed, and then what that names in turn.</summary>
    public void LookOnce()
    {
        foreach (var (typeUrl, origin) in roots.Concat(resources.Files).ToList())
        {
            var key = (typeUrl, origin.File!);
            if (Signature(origin) is not { } now || _seen.TryGetValue(key, out var before) && before == now) continue;
            Read(typeUrl, origin.File!);
            _seen[key] = now;
        }
    }

    private void Read(string typeUrl, string file)
    {
        try
        {
            var response = AnyRegistry.Parse<DiscoveryResponse>(YamlReader.ReadOne(File.ReadAllText(file), file).ToJsonString());
            var kind = resources.Kinds.First(kind => kind.TypeUrl == typeUrl);
            kind.Apply(ResourceUpdate.Of(response.Resources, response.VersionInfo, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidProtocolBufferException or InvalidJsonException or FormatException or InvalidOperationException)
        {
            log.LogWarning("{File} is not used: {Reason}", file, e.Message);
        }
    }

    private static string? Signature(ConfigOrigin origin)
    {
        try
        {
            // A watched directory announces changes by a link in it that moves, as Kubernetes mounts config maps.
            var target = origin.Directory is { } directory ? string.Join('|', Directory.EnumerateFileSystemEntries(directory).Order(StringComparer.Ordinal).Select(Stamp)) : "";
            return File.Exists(origin.File) ? $"{Stamp(origin.File)}|{target}" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Stamp(string path)
    {
        var info = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        return $"{info.FullName}:{info.LastWriteTimeUtc.Ticks}:{(info.Exists ? info.Length : 0)}";
    }
}
