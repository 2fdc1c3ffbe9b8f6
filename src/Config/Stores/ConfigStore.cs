using System.Collections.Immutable;
using Lateen.Config.Kinds;

namespace Lateen.Config.Stores;

/// <summary>
/// The valid objects of the mesh, by kind, namespace and name. Sources write, everyone reads; reads see one moment and
/// never block. Changes are told in order, one after the other, on the writer's thread. Any thread.
/// </summary>
public sealed class ConfigStore
{
    private readonly Lock _gate = new();
    private ImmutableDictionary<ConfigKind, ImmutableSortedDictionary<(string Namespace, string Name), ConfigObject>> _objects =
        ImmutableDictionary<ConfigKind, ImmutableSortedDictionary<(string, string), ConfigObject>>.Empty;

    private Action<ConfigChange>[] _subscribers = [];

    /// <summary>One object, or null.</summary>
    public ConfigObject? Get(ConfigKind kind, string ns, string name) =>
        Volatile.Read(ref _objects).TryGetValue(kind, out var objects) && objects.TryGetValue((ns, name), out var found) ? found : null;

    /// <summary>All objects of a kind, in all namespaces or one, by namespace and name.</summary>
    public IReadOnlyList<ConfigObject> List(ConfigKind kind, string? ns = null)
    {
        if (!Volatile.Read(ref _objects).TryGetValue(kind, out var objects)) return [];
        return ns is null ? [.. objects.Values] : [.. objects.Values.Where(item => item.Namespace == ns)];
    }

    /// <summary>Number of objects of all kinds.</summary>
    public int Count => Volatile.Read(ref _objects).Values.Sum(objects => objects.Count);

    /// <summary>Calls back with every later change; it must be short and must not throw. Disposing ends it.</summary>
    public IDisposable Subscribe(Action<ConfigChange> onChange)
    {
        lock (_gate) _subscribers = [.. _subscribers, onChange];
        return new Subscription(this, onChange);
    }

    /// <summary>Adds or replaces an object; an equal one changes nothing and tells nobody.</summary>
    public void Put(ConfigObject item)
    {
        lock (_gate)
        {
            var objects = _objects.GetValueOrDefault(item.Kind) ?? ImmutableSortedDictionary<(string, string), ConfigObject>.Empty;
            var previous = objects.GetValueOrDefault((item.Namespace, item.Name));
            Volatile.Write(ref _objects, _objects.SetItem(item.Kind, objects.SetItem((item.Namespace, item.Name), item)));
            if (previous is null) Tell(new ConfigChange(ConfigChangeType.Added, item));
            else if (!SameContent(previous, item)) Tell(new ConfigChange(ConfigChangeType.Updated, item, previous));
        }
    }

    /// <summary>Takes an object away; false when it was not there.</summary>
    public bool Remove(ConfigKind kind, string ns, string name)
    {
        lock (_gate)
        {
            if (!_objects.TryGetValue(kind, out var objects) || !objects.TryGetValue((ns, name), out var previous)) return false;
            Volatile.Write(ref _objects, _objects.SetItem(kind, objects.Remove((ns, name))));
            Tell(new ConfigChange(ConfigChangeType.Deleted, previous));
            return true;
        }
    }

    /// <summary>Whether two states of an object mean the same to the mesh: status and bookkeeping do not count.</summary>
    private static bool SameContent(ConfigObject one, ConfigObject other) =>
        one.ApiVersion == other.ApiVersion
        && one.CreationTimestamp == other.CreationTimestamp
        && one.Spec.Equals(other.Spec)
        && SameStrings(one.Labels, other.Labels)
        && SameStrings(one.Annotations, other.Annotations);

    private static bool SameStrings(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(entry => other.TryGetValue(entry.Key, out var value) && value == entry.Value);

    private void Tell(ConfigChange change)
    {
        foreach (var subscriber in _subscribers) subscriber(change);
    }

    private sealed class Subscription(ConfigStore store, Action<ConfigChange> onChange) : IDisposable
    {
        public void Dispose()
        {
            lock (store._gate)
            {
                var at = Array.IndexOf(store._subscribers, onChange);
                if (at >= 0) store._subscribers = [.. store._subscribers[..at], .. store._subscribers[(at + 1)..]];
            }
        }
    }
}
