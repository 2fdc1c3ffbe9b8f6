using System.Diagnostics;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;
using ClusterStats = Lateen.Proxy.Stats.ClusterStats;

namespace Lateen.Proxy.Xds;

/// <summary>
/// All resources of a proxy, from the bootstrap and from the control plane: compiles what comes, refuses each bad one alone, and
/// publishes what is whole. A cluster serves when its endpoints are there, a listener when its routes are. Guarded by its
/// lock; touches workers only through what it publishes.
/// </summary>
internal sealed class ResourceState
{
    private readonly Lock _gate = new();
    private readonly ProxyContext _context;
    private readonly ListenerCompiler _listenerCompiler;
    private readonly Action<IReadOnlyList<ListenerSnapshot>> _publishListeners;
    private readonly Dictionary<string, ClusterEntry> _clusters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ListenerEntry> _listeners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RouteEntryState> _routes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ClusterLoadAssignment> _assignments = new(StringComparer.Ordinal);
    private readonly HashSet<string> _slotsOfCompile = new(StringComparer.Ordinal);

    public ResourceState(ProxyContext context, Action<IReadOnlyList<ListenerSnapshot>> publishListeners)
    {
        (_context, _publishListeners) = (context, publishListeners);
        _listenerCompiler = new ListenerCompiler(context.Stats, new HcmCompiler(context.Stats, SlotOf));
    }

    private sealed class ClusterEntry
    {
        public required Cluster Message;
        public required ClusterState State;
        public required bool IsStatic;
        public string Version = "";
        public bool IsWarm;
        public bool NeedsAssignment => State.Snapshot.Discovery == DiscoveryType.Eds;
        public long Since = Stopwatch.GetTimestamp();
    }

    private sealed class ListenerEntry
    {
        public required Listener Message;
        public required ListenerSnapshot Snapshot;
        public required bool IsStatic;
        public string Version = "";
        public HashSet<string> Routes = [];

        /// <summary>The version that serves while a newer one waits for its routes.</summary>
        public ListenerSnapshot? Serving;
        public long Since = Stopwatch.GetTimestamp();
    }

    private sealed class RouteEntryState
    {
        public required RouteSlot Slot;
        public RouteConfiguration? Message;
        public string Version = "";
    }

    /// <summary>Names to ask EDS for.</summary>
    public IReadOnlyList<string> EndpointNames
    {
        get
        {
            lock (_gate) return [.. _clusters.Values.Where(cluster => cluster.NeedsAssignment).Select(cluster => cluster.State.Snapshot.EdsName).Distinct().Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Names to ask RDS for.</summary>
    public IReadOnlyList<string> RouteNames
    {
        get
        {
            lock (_gate) return [.. _listeners.Values.SelectMany(listener => listener.Routes).Distinct().Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Every listener serves and every cluster is warm.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate) return _clusters.Values.All(cluster => cluster.IsWarm) && _listeners.Values.All(listener => ReferenceEquals(listener.Serving, listener.Snapshot));
        }
    }

    /// <summary>Adds clusters of the bootstrap.</summary>
    /// <exception cref="ConfigRefusedException">One of them cannot be honoured.</exception>
    public void AddStaticClusters(IEnumerable<Cluster> clusters)
    {
        lock (_gate)
        {
            foreach (var cluster in clusters) Upsert(cluster, "", isStatic: true);
            PublishClusters();
        }
    }

    /// <summary>Adds listeners of the bootstrap, and those of the proxy itself.</summary>
    /// <exception cref="ConfigRefusedException">One of them cannot be honoured.</exception>
    public void AddStaticListeners(IEnumerable<Listener> listeners)
    {
        lock (_gate)
        {
            foreach (var listener in listeners) Upsert(listener, "", isStatic: true);
            PublishListeners();
        }
    }

    /// <summary>Adds a compiled listener that no message describes: the admin pages.</summary>
    public void AddInternalListener(ListenerSnapshot snapshot)
    {
        lock (_gate)
        {
            _listeners[snapshot.Name] = new ListenerEntry { Message = new Listener { Name = snapshot.Name }, Snapshot = snapshot, Serving = snapshot, IsStatic = true };
            PublishListeners();
        }
    }

    /// <summary>Takes the whole set of clusters of the control plane; the problems, one line each, or null.</summary>
    public string? ApplyClusters(IReadOnlyList<Any> resources, string version)
    {
        lock (_gate)
        {
            var problems = ForEach<Cluster>(resources, cluster => cluster.Name, cluster => Upsert(cluster, version, isStatic: false), out var names);
            foreach (var gone in _clusters.Where(entry => !entry.Value.IsStatic && !names.Contains(entry.Key)).Select(entry => entry.Key).ToList()) _clusters.Remove(gone);
            foreach (var unused in _assignments.Keys.Except(_clusters.Values.Select(cluster => cluster.State.Snapshot.EdsName)).ToList()) _assignments.Remove(unused);
            PublishClusters();
            return problems;
        }
    }

    /// <summary>Takes some assignments; the rest stay as they are.</summary>
    public string? ApplyEndpoints(IReadOnlyList<Any> resources)
    {
        lock (_gate)
        {
            var wasWarm = _clusters.Values.All(cluster => cluster.IsWarm);
            var problems = ForEach<ClusterLoadAssignment>(resources, assignment => assignment.ClusterName, ApplyAssignment, out _);
            if (!wasWarm) PublishClusters();
            return problems;
        }
    }

    /// <summary>Takes the whole set of listeners of the control plane.</summary>
    public string? ApplyListeners(IReadOnlyList<Any> resources, string version)
    {
        lock (_gate)
        {
            var problems = ForEach<Listener>(resources, listener => listener.Name, listener => Upsert(listener, version, isStatic: false), out var names);
            foreach (var gone in _listeners.Where(entry => !entry.Value.IsStatic && !names.Contains(entry.Key)).Select(entry => entry.Key).ToList()) _listeners.Remove(gone);
            PublishListeners();
            return problems;
        }
    }

    /// <summary>Takes some route tables; the rest stay as they are.</summary>
    public string? ApplyRoutes(IReadOnlyList<Any> resources, string version)
    {
        lock (_gate)
        {
            var problems = ForEach<RouteConfiguration>(resources, route => route.Name, route =>
            {
                var entry = _routes.TryGetValue(route.Name, out var known) ? known : _routes[route.Name] = new RouteEntryState { Slot = new RouteSlot(route.Name) };
                entry.Slot.Table = RouteCompiler.Compile(route);
                (entry.Message, entry.Version) = (route, version);
            }, out _);
            PublishListeners();
            return problems;
        }
    }

    /// <summary>Serves what has waited too long for its endpoints or routes, as Envoy does after initial_fetch_timeout.</summary>
    public void GiveUpWaiting(TimeSpan patience)
    {
        lock (_gate)
        {
            foreach (var cluster in _clusters.Values)
                if (!cluster.IsWarm && Stopwatch.GetElapsedTime(cluster.Since) > patience)
                    cluster.IsWarm = true;
            foreach (var listener in _listeners.Values)
                if (!ReferenceEquals(listener.Serving, listener.Snapshot) && Stopwatch.GetElapsedTime(listener.Since) > patience)
                    listener.Serving = listener.Snapshot;
            PublishClusters();
            PublishListeners();
        }
    }

    /// <summary>Gives looked-up hosts to a cluster.</summary>
    public void SetResolved(ClusterState cluster, IReadOnlyList<(EndpointConfig Endpoint, SocketAddress Address)> resolved)
    {
        lock (_gate)
        {
            HostSets.Update(cluster, resolved);
            if (!_clusters.TryGetValue(cluster.Name, out var entry) || entry.IsWarm) return;
            entry.IsWarm = true;
            PublishClusters();
        }
    }

    /// <summary>Clusters with names to look up.</summary>
    public IReadOnlyList<ClusterState> NamedClusters
    {
        get
        {
            lock (_gate) return [.. _clusters.Values.Select(entry => entry.State).Where(state => state.Snapshot.Discovery is DiscoveryType.StrictDns or DiscoveryType.LogicalDns)];
        }
    }

    /// <summary>A consistent view for the admin pages.</summary>
    public ResourceDump Dump()
    {
        lock (_gate)
            return new ResourceDump(
                [.. _clusters.Values.Select(entry => new DumpedResource(entry.State.Name, entry.Message, entry.Version, entry.IsStatic, entry.IsWarm))],
                [.. _listeners.Values.Select(entry => new DumpedResource(entry.Snapshot.Name, entry.Message, entry.Version, entry.IsStatic, ReferenceEquals(entry.Serving, entry.Snapshot)))],
                [.. _routes.Values.Where(entry => entry.Message is not null).Select(entry => new DumpedResource(entry.Slot.Name, entry.Message!, entry.Version, false, true))],
                [.. _assignments.Values.Select(assignment => new DumpedResource(assignment.ClusterName, assignment, "", false, true))],
                [.. _clusters.Values.Select(entry => entry.State)],
                [.. _listeners.Values.Select(entry => entry.Serving).OfType<ListenerSnapshot>()]);
    }

    private string? ForEach<T>(IReadOnlyList<Any> resources, Func<T, string> nameOf, Action<T> apply, out HashSet<string> names)
        where T : class, IMessage<T>, new()
    {
        names = new HashSet<string>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var any in resources)
        {
            T message;
            try
            {
                message = any.Unpack<T>();
            }
            catch (InvalidProtocolBufferException e)
            {
                problems.Add($"{any.TypeUrl}: {e.Message}");
                continue;
            }
            // A refused update must not take away what was there: the name counts as present either way.
            names.Add(nameOf(message));
            try
            {
                apply(message);
            }
            catch (ConfigRefusedException e)
            {
                problems.Add($"{nameOf(message)}: {e.Message}");
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Numbers out of range and the like: still one resource's fault, and no reason to drop the others with the stream.
                problems.Add($"{nameOf(message)}: {e.Message}");
            }
        }
        if (problems.Count == 0) return null;
        foreach (var problem in problems) _context.Log.LogWarning("refused {Type} {Problem}", typeof(T).Name, problem);
        return string.Join('\n', problems);
    }

    private void Upsert(Cluster message, string version, bool isStatic)
    {
        if (_clusters.TryGetValue(message.Name, out var known))
        {
            if (known.IsStatic && !isStatic) return;
            if (known.Message.Equals(message))
            {
                known.Version = version;
                return;
            }
        }
        var snapshot = ClusterCompiler.Compile(message);
        if (known is null)
        {
            known = new ClusterEntry { Message = message, State = new ClusterState(snapshot, _context.Stats), IsStatic = isStatic };
            _clusters[message.Name] = known;
        }
        else known.State.Snapshot = snapshot;
        (known.Message, known.Version) = (message, version);
        switch (snapshot.Discovery)
        {
            case DiscoveryType.Static:
                HostSets.Update(known.State, HostSets.Parse(snapshot.Endpoints, "load_assignment"));
                known.IsWarm = true;
                break;
            case DiscoveryType.OriginalDestination:
                known.IsWarm = true;
                break;
            case DiscoveryType.Eds when _assignments.TryGetValue(snapshot.EdsName, out var assignment):
                HostSets.Update(known.State, HostSets.Parse(ClusterCompiler.Endpoints(assignment), assignment.ClusterName));
                known.IsWarm = true;
                break;
        }
    }

    private void ApplyAssignment(ClusterLoadAssignment assignment)
    {
        var hosts = HostSets.Parse(ClusterCompiler.Endpoints(assignment), assignment.ClusterName);
        _assignments[assignment.ClusterName] = assignment;
        foreach (var entry in _clusters.Values)
        {
            if (!entry.NeedsAssignment || entry.State.Snapshot.EdsName != assignment.ClusterName) continue;
            HostSets.Update(entry.State, hosts);
            entry.State.Stats.AddShared(ClusterStats.UpdateSuccess);
            entry.IsWarm = true;
        }
    }

    private void Upsert(Listener message, string version, bool isStatic)
    {
        var name = message.Name;
        _listeners.TryGetValue(name, out var known);
        if (known is not null)
        {
            if (known.IsStatic && !isStatic) throw new ConfigRefusedException("name", $"a static listener is named {name} already");
            if (known.Message.Equals(message))
            {
                known.Version = version;
                return;
            }
        }
        _slotsOfCompile.Clear();
        var snapshot = _listenerCompiler.Compile(message, known?.Snapshot);
        // Chains that stayed the same were not compiled again: their routes still count.
        var routes = new HashSet<string>(_slotsOfCompile, StringComparer.Ordinal);
        foreach (var chain in snapshot.Chains.Append(snapshot.Default))
            if (chain?.Filter is HttpFilterSnapshot { Hcm.Routes.Name: { Length: > 0 } route })
                routes.Add(route);
        _listeners[snapshot.Name] = new ListenerEntry { Message = message, Snapshot = snapshot, IsStatic = isStatic, Version = version, Serving = known?.Serving, Routes = routes };
    }

    private RouteSlot SlotOf(string name)
    {
        _slotsOfCompile.Add(name);
        if (!_routes.TryGetValue(name, out var entry)) _routes[name] = entry = new RouteEntryState { Slot = new RouteSlot(name) };
        return entry.Slot;
    }

    private void PublishClusters() =>
        _context.Clusters.Publish(new ClusterMap(_clusters.Values.Where(entry => entry.IsWarm).ToDictionary(entry => entry.State.Name, entry => entry.State, StringComparer.Ordinal)));

    private void PublishListeners()
    {
        foreach (var entry in _listeners.Values)
            if (entry.Routes.All(route => _routes[route].Slot.Table is not null))
                entry.Serving = entry.Snapshot;
        _publishListeners([.. _listeners.Values.Select(entry => entry.Serving).OfType<ListenerSnapshot>()]);
    }
}

/// <summary>One resource for the admin pages.</summary>
internal sealed record DumpedResource(string Name, IMessage Message, string Version, bool IsStatic, bool IsActive);

/// <summary>All resources at one moment.</summary>
internal sealed record ResourceDump(
    DumpedResource[] Clusters, DumpedResource[] Listeners, DumpedResource[] Routes, DumpedResource[] Endpoints, ClusterState[] States, ListenerSnapshot[] Serving);
