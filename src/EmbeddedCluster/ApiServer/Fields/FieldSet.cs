using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Fields;

/// <summary>
/// A set of field paths, in the form that managedFields have (FieldsV1): a tree whose keys are "f:name" for a field, "k:{…}" for an
/// item of a keyed list, "v:…" for an item of a set. Owned by one request.
/// </summary>
internal sealed class FieldSet
{
    private readonly SortedDictionary<string, FieldSet> _children = new(StringComparer.Ordinal);

    /// <summary>The path that leads here is itself in the set.</summary>
    public bool IsMember { get; set; }

    public bool IsEmpty => !IsMember && _children.Count == 0;

    public IEnumerable<KeyValuePair<string, FieldSet>> Children => _children;

    public FieldSet? this[string element] => _children.GetValueOrDefault(element);

    /// <summary>The subset below a path element, made when absent.</summary>
    public FieldSet Child(string element)
    {
        if (!_children.TryGetValue(element, out var child)) _children[element] = child = new FieldSet();
        return child;
    }

    public void Remove(string element) => _children.Remove(element);

    public FieldSet Union(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember || other.IsMember };
        foreach (var (element, child) in _children) result._children[element] = other[element] is { } same ? child.Union(same) : child.Copy();
        foreach (var (element, child) in other._children) result._children.TryAdd(element, child.Copy());
        return result;
    }

    /// <summary>What is in this set and not in the other.</summary>
    public FieldSet Except(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember && !other.IsMember };
        foreach (var (element, child) in _children)
        {
            var rest = other[element] is { } same ? child.Except(same) : child.Copy();
            if (!rest.IsEmpty) result._children[element] = rest;
        }
        return result;
    }

    /// <summary>What is in both sets.</summary>
    public FieldSet Intersect(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember && other.IsMember };
        foreach (var (element, child) in _children)
        {
            if (other[element] is not { } same) continue;
            var both = child.Intersect(same);
            if (!both.IsEmpty) result._children[element] = both;
        }
        return result;
    }

    public FieldSet Copy() => Union(new FieldSet());

    /// <summary>The paths in the set, as Kubernetes writes them in a conflict: .spec.containers[name="a"].image.</summary>
    public IEnumerable<string> Paths() => Paths("");

    public JsonObject ToJson()
    {
        var result = new JsonObject();
        if (IsMember && _children.Count > 0) result["."] = new JsonObject();
        foreach (var (element, child) in _children) result[element] = child.ToJson();
        return result;
    }

    /// <summary>Reads FieldsV1.</summary>
    public static FieldSet FromJson(JsonObject? json)
    {
        var result = new FieldSet();
        foreach (var (element, value) in json ?? [])
        {
            if (element == ".") result.IsMember = true;
            else result._children[element] = FromJson(value as JsonObject);
        }
        // A leaf of the tree stands for its own path.
        if (result._children.Count == 0) result.IsMember = true;
        return result;
    }

    private IEnumerable<string> Paths(string prefix)
    {
        if (IsMember) yield return prefix;
        foreach (var (element, child) in _children)
            foreach (var path in child.Paths(prefix + Shown(element))) yield return path;
    }

    private static string Shown(string element)
    {
        if (element.StartsWith("f:", StringComparison.Ordinal)) return "." + element[2..];
        if (!element.StartsWith("k:", StringComparison.Ordinal)) return $"[{(element.StartsWith("v:", StringComparison.Ordinal) ? "=" : "")}{element[2..]}]";
        var keys = (JsonObject)JsonText.Parse(Encoding.UTF8.GetBytes(element[2..]))!;
        return $"[{string.Join(',', keys.Select(pair => $"{pair.Key}={pair.Value?.ToJsonString()}"))}]";
    }
}
