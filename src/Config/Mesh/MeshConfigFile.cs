using Istio.Mesh.V1Alpha1;
using Lateen.Foundation.Snapshots;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Config.Mesh;

/// <summary>
/// The mesh configuration of a file, watched: a bad change is told and the last good state stays. The directory is watched,
/// since Kubernetes swaps a link to change a mounted file. Any thread.
/// </summary>
public sealed partial class MeshConfigFile : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly ITimer _debounce;
    private readonly FileSystemWatcher? _watcher;
    private string _text;

    /// <summary>Reads the file; one that is not there gives the defaults until it comes.</summary>
    /// <exception cref="FormatException">The file is there and refused; the message says why.</exception>
    public MeshConfigFile(string path, ILogger? logger = null, TimeProvider? time = null)
    {
        _path = Path.GetFullPath(path);
        _logger = logger ?? NullLogger.Instance;
        _text = File.Exists(_path) ? File.ReadAllText(_path) : "";
        var first = MeshConfigReader.Read(_text, _path);
        if (first.Config is null) throw new FormatException($"{_path}: {string.Join("; ", first.Errors)}");
        Config = new Published<MeshConfig>(first.Config);
        _debounce = (time ?? TimeProvider.System).CreateTimer(_ => Reload(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Path.GetDirectoryName(_path) is not { } folder || !Directory.Exists(folder)) return;
        _watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite };
        _watcher.Changed += (_, _) => _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);
        _watcher.Created += (_, _) => _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);
        _watcher.Renamed += (_, _) => _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>The last good configuration.</summary>
    public Published<MeshConfig> Config { get; }

    /// <summary>Reads the file again, now.</summary>
    public void Reload()
    {
        string text;
        try
        {
            text = File.ReadAllText(_path);
        }
        catch (IOException)
        {
            // Somebody is writing it, or it is gone for a moment: its next event may have come already.
            if (File.Exists(_path)) _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);
            return;
        }
        if (text == _text) return;
        _text = text;
        var read = MeshConfigReader.Read(text, _path);
        foreach (var error in read.Errors) Refused(_logger, _path, error.ToString());
        if (read.Config is { } config && !config.Equals(Config.Current)) Config.Publish(config);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watcher?.Dispose();
        _debounce.Dispose();
    }

    [LoggerMessage(1, LogLevel.Warning, "refused the mesh configuration of {File}, the last good one stays: {Problem}")]
    private static partial void Refused(ILogger logger, string file, string problem);
}
