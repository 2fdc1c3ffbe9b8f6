using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Push;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Serving;

/// <summary>
/// Kubernetes' own objects from a directory tree of YAML and JSON files, watched, for a mesh without API server. A file that
/// cannot be read leaves what it last said. Any thread; changes are told one at a time.
/// </summary>
internal sealed partial class KubeObjectsFolder : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(100);

    private readonly string _folder;
    private readonly Action<StateChange> _onChange;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, FileState> _files = new(StringComparer.Ordinal);
    private readonly ITimer _debounce;
    private readonly FileSystemWatcher _watcher;
    private Dictionary<(string Kind, string Namespace, string Name), string> _told = [];

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public KubeObjectsFolder(string folder, Action<StateChange> onChange, ILogger log, TimeProvider time)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder}: there is no such directory");
        (_folder, _onChange, _log) = (Path.GetFullPath(folder), onChange, log);
        _debounce = time.CreateTimer(_ => Rescan(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _watcher = new FileSystemWatcher(_folder)
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
    }

    private sealed record Item(string Kind, string Namespace, string Name, JsonObject Json, string Text);

    private sealed record FileState(DateTime Written, long Length, IReadOnlyList<Item> Items);

    /// <summary>Reads the files that changed and tells what that changed; of two objects of one name the last file's counts.</summary>
    public void Rescan()
    {
        lock (_gate)
        {
            var present = Present();
            foreach (var gone in _files.Keys.Except(present.Keys).ToList()) _files.Remove(gone);
            foreach (var (path, file) in present)
                if (!_files.TryGetValue(path, out var state) || state.Written != file.LastWriteTimeUtc || state.Length != file.Length)
                    _files[path] = new(file.LastWriteTimeUtc, file.Length, Read(path) ?? state?.Items ?? []);
            Tell(_files.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => f.Value.Items));
        }
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _debounce.Dispose();
    }

    private void Tell(IEnumerable<Item> items)
    {
        var now = new Dictionary<(string, string, string), Item>();
        foreach (var item in items) now[(item.Kind, item.Namespace, item.Name)] = item;
        foreach (var (kind, @namespace, name) in _told.Keys.Where(k => !now.ContainsKey(k))) _onChange(new(kind, @namespace, name, null));
        foreach (var (key, item) in now)
            if (!_told.TryGetValue(key, out var text) || text != item.Text)
                _onChange(new(item.Kind, item.Namespace, item.Name, Convert(item.Kind, item.Json)));
        _told = now.ToDictionary(n => n.Key, n => n.Value.Text);
    }

    private void Soon() => _debounce.Change(Quiet, Timeout.InfiniteTimeSpan);

    private SortedDictionary<string, FileInfo> Present()
    {
        var files = new SortedDictionary<string, FileInfo>(StringComparer.Ordinal);
        if (!Directory.Exists(_folder)) return files;
        foreach (var path in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
            if (Path.GetExtension(path) is ".yaml" or ".yml" or ".json") files[path] = new FileInfo(path);
        return files;
    }

    /// <summary>Null when the file cannot be read.</summary>
    private List<Item>? Read(string path)
    {
        List<Item> items = [];
        try
        {
            foreach (var document in YamlReader.ReadAll(File.ReadAllText(path), path))
            {
                if (document.Error is { } error)
                {
                    Unreadable(_log, path, error);
                    return null;
                }
                foreach (var json in Objects(document.Root))
                    if (ReadObject(json) is { } item) items.Add(item);
            }
            return items;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            Unreadable(_log, path, e.Message);
            return null;
        }
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? root) => root switch
    {
        JsonObject list when (string?)list["kind"] is "List" && list["items"] is JsonArray items => items.OfType<JsonObject>(),
        JsonObject item => [item],
        _ => [],
    };

    private static Item? ReadObject(JsonObject yaml)
    {
        var kind = ((string?)yaml["apiVersion"], (string?)yaml["kind"]) switch
        {
            ("v1", "Service") => "Service",
            ("v1", "Endpoints") => "Endpoints",
            ("v1", "Pod") => "Pod",
            ("v1", "Node") => "Node",
            ("discovery.k8s.io/v1" or "discovery.k8s.io/v1beta1", "EndpointSlice") => "EndpointSlice",
            _ => "",
        };
        if (kind.Length == 0) return null;
        // As from the API server: numbers of JSON, not of YAML.
        var text = yaml.ToJsonString();
        var json = JsonNode.Parse(text)!.AsObject();
        if (json["metadata"] is not JsonObject metadata) return null;
        if (kind != "Node") metadata["namespace"] ??= "default";
        var (@namespace, name) = KubeObject.KeyOf(json);
        return name.Length == 0 ? null : new(kind, @namespace, name, json, text);
    }

    private static object Convert(string kind, JsonObject json) => kind switch
    {
        "Service" => new Service(json),
        "Endpoints" => new Endpoints(json),
        "Pod" => new Pod(json),
        "Node" => new Node(json),
        _ => new EndpointSlice(json),
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path}: {Reason}; what it said before stays")]
    private static partial void Unreadable(ILogger log, string path, string reason);
}
