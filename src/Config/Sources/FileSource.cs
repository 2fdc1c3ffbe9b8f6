using System.Text.Json.Nodes;
using Lateen.Config.Kinds;
using Lateen.Config.Stores;
using Lateen.Foundation.Yaml;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Config.Sources;

/// <summary>
/// Configuration from a directory tree of YAML and JSON files, watched. Only files that changed are read again; a document
/// that cannot be read or is refused leaves the last good state of its object. Any thread; events are worked off one at a
/// time.
/// </summary>
public sealed class FileSource : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    private readonly string _directory;
    private readonly ConfigIntake _intake;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, FileState> _files = new(StringComparer.Ordinal);
    private readonly ITimer _debounce;
    private FileSystemWatcher? _watcher;

    /// <summary>A source that fills the store. Nothing is read before <see cref="Start"/>.</summary>
    public FileSource(string directory, ConfigStore store, ILogger? logger = null, TimeProvider? time = null)
        : this(directory, new ConfigIntake(store, logger), logger, time)
    {
    }

    /// <summary>A source behind a gate that others share.</summary>
    public FileSource(string directory, ConfigIntake intake, ILogger? logger = null, TimeProvider? time = null)
    {
        _directory = Path.GetFullPath(directory);
        _intake = intake;
        _logger = logger ?? NullLogger.Instance;
        _debounce = (time ?? TimeProvider.System).CreateTimer(_ => Rescan(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What a file held when it was read last.</summary>
    private sealed record FileState(DateTime Written, long Length, IReadOnlyList<(ConfigKind Kind, string Namespace, string Name)> Objects);

    /// <summary>Reads everything, then watches. A directory that does not exist is an error of the caller.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public void Start()
    {
        if (!Directory.Exists(_directory)) throw new DirectoryNotFoundException($"{_directory}: there is no such directory");
        _watcher = new FileSystemWatcher(_directory)
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
        };
        _watcher.Changed += (_, _) => Soon();
        _watcher.Created += (_, _) => Soon();
        _watcher.Deleted += (_, _) => Soon();
        _watcher.Renamed += (_, _) => Soon();
        _watcher.Error += (_, _) => Soon();
        _watcher.EnableRaisingEvents = true;
        Rescan();
        SourcesLog.Loaded(_logger, _files.Values.Sum(file => file.Objects.Count), _directory);
    }

    /// <summary>Looks for changes now instead of when the watcher tells of them.</summary>
    public void Rescan()
    {
        lock (_gate)
        {
            var before = new HashSet<(ConfigKind, string, string)>(_files.Values.SelectMany(file => file.Objects));
            var present = Present();
            foreach (var gone in _files.Keys.Except(present.Keys).ToList()) _files.Remove(gone);
            foreach (var (path, file) in present)
            {
                if (_files.TryGetValue(path, out var state) && state.Written == file.LastWriteTimeUtc && state.Length == file.Length) continue;
                if (Read(path, file) is { } read) _files[path] = read;
            }
            before.ExceptWith(_files.Values.SelectMany(file => file.Objects));
            foreach (var (kind, ns, name) in before) _intake.Withdraw(kind, ns, name);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watcher?.Dispose();
        _debounce.Dispose();
    }

    private void Soon() => _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);

    private SortedDictionary<string, FileInfo> Present()
    {
        var files = new SortedDictionary<string, FileInfo>(StringComparer.Ordinal);
        if (!Directory.Exists(_directory)) return files;
        foreach (var path in Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories))
            if (Path.GetExtension(path) is ".yaml" or ".yml" or ".json")
                files[path] = new FileInfo(path);
        return files;
    }

    private FileState? Read(string path, FileInfo file)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (IOException e)
        {
            SourcesLog.Unreadable(_logger, path, e.Message);
            return null;
        }
        var objects = new List<(ConfigKind, string, string)>();
        foreach (var document in YamlReader.ReadAll(text, path))
        {
            if (document.Error is { } error)
            {
                // What the unreadable rest of the file held stays until the file can be read again.
                SourcesLog.Unreadable(_logger, path, error);
                if (_files.TryGetValue(path, out var last)) objects.AddRange(last.Objects.Except(objects));
                break;
            }
            foreach (var item in Items(document.Root))
                if (_intake.Offer(item, $"{path}:{document.Line}") is { } identity)
                    objects.Add(identity);
        }
        return new FileState(file.LastWriteTimeUtc, file.Length, objects);
    }

    /// <summary>The items of a List, or the document itself.</summary>
    private static IEnumerable<JsonObject> Items(JsonNode? root) => root switch
    {
        JsonObject list when list["items"] is JsonArray items && list["spec"] is null => items.OfType<JsonObject>(),
        JsonObject item => [item],
        _ => [],
    };
}
