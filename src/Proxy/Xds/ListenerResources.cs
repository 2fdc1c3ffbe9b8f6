using System.Diagnostics;
using Envoy.Config.Listener.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Listeners. A new version serves once all that it depends on has come; until then the version before it goes on. Guarded
/// by the lock of <see cref="ResourceState"/>.
/// </summary>
internal sealed class ListenerResources(ListenerCompiler compiler, Action<IReadOnlyList<ListenerSnapshot>> publish)
{
    private readonly Dictionary<string, Entry> _listeners = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public required Listener Message;
        public required ListenerSnapshot Snapshot;
        public required bool IsStatic;
        public string Version = "";

        /// <summary>The version that serves while a newer one waits.</summary>
        public ListenerSnapshot? Serving;
        public readonly long Since = Stopwatch.GetTimestamp();

        public bool IsActive => ReferenceEquals(Serving, Snapshot);

        public IEnumerable<IDependency> Needs => Of(Snapshot);

        /// <summary>What the version that serves depends on is kept up to date while a newer one waits.</summary>
        public IEnumerable<IDependency> AllNeeds => Serving is null || IsActive ? Needs : Needs.Concat(Of(Serving));

        private static IEnumerable<IDependency> Of(ListenerSnapshot snapshot) => snapshot.Chains.Append(snapshot.Default).SelectMany(chain => chain?.Needs ?? []);
    }

    public bool AreActive => _listeners.Values.All(listener => listener.IsActive);

    /// <summary>All that listeners depend on, those that wait included.</summary>
    public IEnumerable<IDependency> Needs => _listeners.Values.SelectMany(listener => listener.AllNeeds).Distinct();

    /// <exception cref="ConfigRefusedException">It cannot be honoured; nothing has changed then.</exception>
    public void Upsert(Listener message, string version, bool isStatic)
    {
        if (_listeners.TryGetValue(message.Name, out var known))
        {
            if (known.IsStatic && !isStatic) throw new ConfigRefusedException("name", $"a static listener is named {message.Name} already");
            if (known.Message.Equals(message))
            {
                known.Version = version;
                return;
            }
        }
        var snapshot = compiler.Compile(message, known?.Snapshot);
        _listeners[snapshot.Name] = new Entry { Message = message, Snapshot = snapshot, IsStatic = isStatic, Version = version, Serving = known?.Serving };
    }

    /// <summary>Adds a compiled listener that no message describes: the admin pages.</summary>
    public void AddInternal(ListenerSnapshot snapshot) =>
        _listeners[snapshot.Name] = new Entry { Message = new Listener { Name = snapshot.Name }, Snapshot = snapshot, Serving = snapshot, IsStatic = true };

    /// <summary>Takes away what an update says is gone. Static listeners stay.</summary>
    public void Remove(ResourceUpdate update, HashSet<string> present)
    {
        foreach (var (name, entry) in _listeners.ToList())
            if (!entry.IsStatic && (update.IsWhole ? !present.Contains(name) : update.Removed.Contains(name)))
                _listeners.Remove(name);
    }

    public void Publish()
    {
        foreach (var entry in _listeners.Values)
            if (!entry.IsActive && entry.Needs.All(need => need.IsThere || Waited(entry) > need.PatienceMs && need.PatienceMs > 0))
                entry.Serving = entry.Snapshot;
        publish([.. _listeners.Values.Select(entry => entry.Serving).OfType<ListenerSnapshot>()]);
    }

    /// <summary>A listener waits for something that will be given up.</summary>
    public bool IsWaiting => _listeners.Values.Any(entry => !entry.IsActive);

    public DumpedResource[] Dump() => [.. _listeners.Values.Select(entry => new DumpedResource(entry.Snapshot.Name, entry.Message, entry.Version, entry.IsStatic, entry.IsActive))];

    public ListenerSnapshot[] Serving => [.. _listeners.Values.Select(entry => entry.Serving).OfType<ListenerSnapshot>()];

    private static double Waited(Entry entry) => Stopwatch.GetElapsedTime(entry.Since).TotalMilliseconds;
}
