using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Xds;

/// <summary>
/// All resources of a proxy, from the bootstrap, from files and from the control plane: compiles what comes, refuses each bad
/// one alone, and publishes what is whole. Guarded by its lock; touches workers only through what it publishes.
/// </summary>
internal sealed class ResourceState
{
    private readonly Lock _gate = new();
    private readonly ProxyContext _context;
    private readonly ClusterResources _clusters;
    private readonly ListenerResources _listeners;
    private readonly RouteResources _routes = new();
    private readonly ExtensionResources _extensions = new();
    private readonly List<IDependency> _needs = [];
    private readonly XdsStats _stats;

    public ResourceState(ProxyContext context, Action<IReadOnlyList<ListenerSnapshot>> publishListeners)
    {
        _context = context;
        context.Secrets.OnFirstValue = OnSecret;
        _stats = new XdsStats(context.Stats);
        var transports = new TransportCompiler(context.Stats, context.Secrets, context.Log);
        _clusters = new ClusterResources(context, transports);
        _listeners = new ListenerResources(new ListenerCompiler(context, new HcmCompiler(context, SlotOf, Fill, _clusters.Has), transports, _needs), publishListeners);
        Kinds =
        [
            new ResourceKind(TypeUrls.Cluster, null, ApplyClusters),
            new ResourceKind(TypeUrls.Endpoint, () => Locked(() => _clusters.EndpointNames), ApplyEndpoints),
            new ResourceKind(TypeUrls.Listener, null, ApplyListeners),
            new ResourceKind(TypeUrls.Route, () => Locked(() => StreamNames<RouteSlot>(slot => slot.Origin, slot => slot.Name)), ApplyRoutes),
            new ResourceKind(TypeUrls.ExtensionConfig, () => Locked(() => StreamNames<ExtensionSlot>(slot => slot.Origin, slot => slot.Name)), ApplyExtensions),
            new ResourceKind(TypeUrls.Secret, () => context.Secrets.NamesOf(new SecretSource(SecretSourceKind.Ads)), ApplySecrets),
        ];
    }

    /// <summary>The types in the order in which they are asked for: what serves before what leads to it.</summary>
    public IReadOnlyList<ResourceKind> Kinds { get; }

    /// <summary>Told, on any thread, when the names of a kind may have changed.</summary>
    public event Action? NamesChanged;

    /// <summary>Every listener serves and every cluster is warm.</summary>
    public bool IsSettled => Locked(() => _clusters.AreWarm && _listeners.AreActive);

    /// <summary>Files that resources in use name, by type.</summary>
    public IReadOnlyList<(string TypeUrl, ConfigOrigin Origin)> Files => Locked(() => (IReadOnlyList<(string, ConfigOrigin)>)
    [
        .. _clusters.EndpointFiles.Select(origin => (TypeUrls.Endpoint, origin)),
        .. _listeners.Needs.OfType<RouteSlot>().Where(slot => slot.Origin.File is not null).Select(slot => (TypeUrls.Route, slot.Origin)),
        .. _listeners.Needs.OfType<ExtensionSlot>().Where(slot => slot.Origin.File is not null).Select(slot => (TypeUrls.ExtensionConfig, slot.Origin)),
    ]);

    /// <summary>Adds clusters of the bootstrap.</summary>
    /// <exception cref="ConfigRefusedException">One of them cannot be honoured.</exception>
    public void AddStaticClusters(IEnumerable<Cluster> clusters)
    {
        lock (_gate)
        {
            var i = 0;
            foreach (var cluster in clusters) Static($"static_resources.clusters[{i++}]", () => _clusters.Upsert(cluster, "", isStatic: true));
            _clusters.Publish();
        }
    }

    /// <summary>Adds listeners of the bootstrap.</summary>
    /// <exception cref="ConfigRefusedException">One of them cannot be honoured.</exception>
    public void AddStaticListeners(IEnumerable<Listener> listeners)
    {
        lock (_gate)
        {
            var i = 0;
            foreach (var listener in listeners) Static($"static_resources.listeners[{i++}]", () => _listeners.Upsert(listener, "", isStatic: true));
            _listeners.Publish();
        }
    }

    /// <summary>Adds a compiled listener that no message describes: the admin pages.</summary>
    public void AddInternalListener(ListenerSnapshot snapshot)
    {
        lock (_gate)
        {
            _listeners.AddInternal(snapshot);
            _listeners.Publish();
        }
    }

    public IReadOnlyList<Refusal> ApplyClusters(ResourceUpdate update) => Apply<Cluster>(update, cluster => cluster.Name, (cluster, version) => _clusters.Upsert(cluster, version, isStatic: false), names =>
    {
        _clusters.Remove(update, names);
        _clusters.Publish();
    });

    public IReadOnlyList<Refusal> ApplyEndpoints(ResourceUpdate update) => Apply<ClusterLoadAssignment>(update, assignment => assignment.ClusterName, (assignment, _) => _clusters.Apply(assignment, update.File), _ =>
    {
        _clusters.WithoutEndpoints(update.Removed);
        _clusters.Publish();
    });

    public IReadOnlyList<Refusal> ApplyListeners(ResourceUpdate update) => Apply<Listener>(update, listener => listener.Name, (listener, version) => _listeners.Upsert(listener, version, isStatic: false), names =>
    {
        _listeners.Remove(update, names);
        _listeners.Publish();
        _routes.KeepOnly(_listeners.Needs.OfType<RouteSlot>());
        _extensions.KeepOnly(_listeners.Needs.OfType<ExtensionSlot>());
    });

    public IReadOnlyList<Refusal> ApplyRoutes(ResourceUpdate update) => Apply<RouteConfiguration>(update, route => route.Name, (route, version) =>
    {
        if (route.ValidateClusters is true) RouteRules.CheckClusters(route, _clusters.Has, "");
        _routes.Apply(route, version, update.File);
    }, _ =>
    {
        _routes.Without(update.Removed);
        _listeners.Publish();
    });

    public IReadOnlyList<Refusal> ApplyExtensions(ResourceUpdate update) => Apply<TypedExtensionConfig>(update, config => config.Name, (config, _) => _extensions.Apply(config, update.File, _listeners.Needs.OfType<ExtensionSlot>()), _ =>
    {
        _extensions.Without(update.Removed, [.. _listeners.Needs.OfType<ExtensionSlot>()]);
        _listeners.Publish();
    });

    /// <summary>Takes secrets of the control plane; they keep their own lock.</summary>
    public IReadOnlyList<Refusal> ApplySecrets(ResourceUpdate update)
    {
        var refused = new List<Refusal>();
        foreach (var (name, version, body) in update.Resources)
            if (_context.Secrets.Apply(new SecretSource(SecretSourceKind.Ads), [body], version) is { } problem)
                refused.Add(new Refusal(name, problem));
        return refused;
    }

    /// <summary>A secret came for the first time: what waited for it may serve now.</summary>
    private void OnSecret()
    {
        lock (_gate)
        {
            _clusters.Publish();
            _listeners.Publish();
        }
    }

    /// <summary>Serves what has waited for endpoints or routes as long as its initial_fetch_timeout says.</summary>
    public void GiveUpWaiting()
    {
        lock (_gate)
        {
            if (_clusters.GiveUpWaiting()) _clusters.Publish();
            if (_listeners.IsWaiting) _listeners.Publish();
        }
    }

    /// <summary>Gives looked-up hosts to a cluster; null when the look-up failed.</summary>
    public void SetResolved(ClusterState cluster, IReadOnlyList<(EndpointConfig Endpoint, SocketAddress Address)>? resolved)
    {
        lock (_gate)
            if (_clusters.SetResolved(cluster, resolved))
                _clusters.Publish();
    }

    /// <summary>Clusters with names to look up.</summary>
    public IReadOnlyList<ClusterState> NamedClusters => Locked(() => (IReadOnlyList<ClusterState>)[.. _clusters.States.Where(state => state.Snapshot.Discovery is DiscoveryType.StrictDns or DiscoveryType.LogicalDns)]);

    /// <summary>A consistent view for the admin pages.</summary>
    public ResourceDump Dump() => Locked(() => new ResourceDump(_clusters.Dump(), _listeners.Dump(), _routes.Dump(), _clusters.DumpEndpoints(), [.. _clusters.States], _listeners.Serving));

    private List<Refusal> Apply<T>(ResourceUpdate update, Func<T, string> nameOf, Action<T, string> apply, Action<HashSet<string>> then)
        where T : class, IMessage<T>, new()
    {
        List<Refusal> refused;
        lock (_gate)
        {
            (var names, refused) = ResourceUpdates.ForEach(update, nameOf, apply);
            then(names);
            _stats.Updated(typeof(T).Name, refused.Count == 0);
            _stats.Set(_clusters.Dump(), _listeners.Dump());
        }
        foreach (var (_, problem) in refused) _context.Log.LogWarning("refused {Type} {Problem}", typeof(T).Name, problem);
        NamesChanged?.Invoke();
        return refused;
    }

    private static void Static(string path, Action upsert)
    {
        try
        {
            upsert();
        }
        catch (ConfigRefusedException e)
        {
            throw new ConfigRefusedException($"{path}.{e.Path}", e.Message[(e.Path.Length + 2)..]);
        }
    }

    private RouteSlot SlotOf(string name, ConfigOrigin origin)
    {
        var slot = _routes.SlotOf(name, origin);
        _needs.Add(slot);
        return slot;
    }

    /// <summary>Gives the place of a discovered filter what has come for it already.</summary>
    private void Fill(ExtensionSlot slot)
    {
        _extensions.Fill(slot);
        _needs.Add(slot);
    }

    private IReadOnlyList<string> StreamNames<T>(Func<T, ConfigOrigin> originOf, Func<T, string> nameOf)
        where T : IDependency => [.. _listeners.Needs.OfType<T>().Where(need => originOf(need).File is null).Select(nameOf).Distinct().Order(StringComparer.Ordinal)];

    private T Locked<T>(Func<T> read)
    {
        lock (_gate) return read();
    }
}

/// <summary>One resource for the admin pages.</summary>
internal sealed record DumpedResource(string Name, IMessage Message, string Version, bool IsStatic, bool IsActive);

/// <summary>All resources at one moment.</summary>
internal sealed record ResourceDump(
    DumpedResource[] Clusters, DumpedResource[] Listeners, DumpedResource[] Routes, DumpedResource[] Endpoints, ClusterState[] States, ListenerSnapshot[] Serving);
