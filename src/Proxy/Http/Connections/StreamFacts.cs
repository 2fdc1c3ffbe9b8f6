using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// Dynamic metadata: what filters tell each other, the logs and the traces of one stream, a structure for each namespace. Empty until
/// something is written. Owned by one worker.
/// </summary>
internal sealed class DynamicMetadata
{
    private Dictionary<string, Struct>? _namespaces;

    public bool IsEmpty => _namespaces is null || _namespaces.Count == 0;

    /// <summary>The structure of a namespace, or null.</summary>
    public Struct? Find(string name) => _namespaces?.GetValueOrDefault(name);

    /// <summary>The structure of a namespace, made when it is not there.</summary>
    public Struct Of(string name)
    {
        _namespaces ??= new Dictionary<string, Struct>(StringComparer.Ordinal);
        if (!_namespaces.TryGetValue(name, out var fields)) _namespaces[name] = fields = new Struct();
        return fields;
    }

    public void Set(string name, string key, Value value) => Of(name).Fields[key] = value;

    public void Set(string name, string key, string value) => Set(name, key, Value.ForString(value));

    /// <summary>The value at a path of keys in a namespace; null when there is none.</summary>
    public Value? Find(string name, ReadOnlySpan<string> path) => Find(name) is { } fields ? Walk(fields, path) : null;

    /// <summary>The value at a path of keys; the structure itself for no keys.</summary>
    public static Value? Walk(Struct fields, ReadOnlySpan<string> path)
    {
        if (path.IsEmpty) return Value.ForStruct(fields);
        for (var i = 0; ; i++)
        {
            if (!fields.Fields.TryGetValue(path[i], out var value)) return null;
            if (i == path.Length - 1) return value;
            if (value.KindCase != Value.KindOneofCase.StructValue) return null;
            fields = value.StructValue;
        }
    }

    /// <summary>Takes over the fields of another structure, structures within structures too.</summary>
    public void Merge(string name, Struct more) => Merge(Of(name), more);

    public void Clear() => _namespaces?.Clear();

    private static void Merge(Struct target, Struct more)
    {
        foreach (var (key, value) in more.Fields)
            if (value.KindCase == Value.KindOneofCase.StructValue && target.Fields.TryGetValue(key, out var there) && there.KindCase == Value.KindOneofCase.StructValue)
                Merge(there.StructValue, value.StructValue);
            else target.Fields[key] = value.Clone();
    }
}

/// <summary>
/// Filter state: objects that filters leave for one another, by name. A stream sees what its connection has too. Empty until something is
/// written. Owned by one worker.
/// </summary>
internal sealed class FilterState
{
    private Dictionary<string, object>? _objects;

    /// <summary>The state of the connection that carries the stream; null for the connection's own.</summary>
    public FilterState? Connection { get; set; }

    public object? Find(string key) => _objects?.GetValueOrDefault(key) ?? Connection?.Find(key);

    public void Set(string key, object value) => (_objects ??= new Dictionary<string, object>(StringComparer.Ordinal))[key] = value;

    public void Clear() => _objects?.Clear();
}
