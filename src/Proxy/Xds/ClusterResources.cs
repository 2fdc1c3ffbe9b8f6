using System.Diagnostics;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Network;
using Lateen.Proxy.Upstream.Clusters;
using ClusterStats = Lateen.Proxy.Stats.ClusterStats;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Clusters and their endpoints. A cluster is warm, and can be routed to, once its endpoints are there or are waited for no
/// more. Guarded by the lock of <see cref="ResourceState"/>.
/// </summary>
internal sealed class ClusterResources(ProxyContext context, TransportCompiler transports)
{
    private readonly Dictionary<string, Entry> _clusters = new(StringComparer.Ordinal);

    /// <summary>By <see cref="ConfigOrigin.KeyOf"/>.</summary>
    private readonly Dictionary<string, ClusterLoadAssignment> _assignments = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public required Cluster Message;
        public required ClusterState State;
        public required bool IsStatic;
        public required ConfigOrigin Endpoints;
        public string Version = "";
        public bool IsWarm;
        public long Since = Stopwatch.GetTimestamp();

        /// <summary>It can be routed to: the secrets of its transports are there too, or have been waited for long enough.</summary>
        public bool Serves => IsWarm && State.Snapshot.Transports.Needs.All(need => need.HasValue || need.PatienceMs > 0 && Stopwatch.GetElapsedTime(Since).TotalMilliseconds > need.PatienceMs);

        public bool NeedsAssignment => State.Snapshot.Discovery == DiscoveryType.Eds;

        public string AssignmentKey => Endpoints.KeyOf(State.Snapshot.EdsName);
    }

    public bool AreWarm => _clusters.Values.All(cluster => cluster.Serves);

    public IEnumerable<ClusterState> States => _clusters.Values.Select(entry => entry.State);

    /// <summary>Names to ask the stream for.</summary>
    public IReadOnlyList<string> EndpointNames =>
        [.. _clusters.Values.Where(cluster => cluster is { NeedsAssignment: true, Endpoints.File: null }).Select(cluster => cluster.State.Snapshot.EdsName).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Files that hold assignments.</summary>
    public IEnumerable<ConfigOrigin> EndpointFiles => _clusters.Values.Where(cluster => cluster is { NeedsAssignment: true, Endpoints.File: not null }).Select(cluster => cluster.Endpoints);

    /// <summary>There is a cluster of the name, warm or not.</summary>
    public bool Has(string name) => _clusters.ContainsKey(name);

    /// <summary>Takes a cluster. Nothing changes when it is refused.</summary>
    /// <exception cref="ConfigRefusedException">It cannot be honoured.</exception>
    public void Upsert(Cluster message, string version, bool isStatic)
    {
        if (_clusters.TryGetValue(message.Name, out var known))
        {
            if (known.IsStatic && !isStatic) return;
            if (isStatic) throw new ConfigRefusedException("name", $"a cluster is named {message.Name} already");
            if (known.Message.Equals(message))
            {
                known.Version = version;
                return;
            }
        }
        var snapshot = ClusterCompiler.Compile(message, transports);
        var origin = snapshot.Discovery == DiscoveryType.Eds ? ConfigOrigin.Of(message.EdsClusterConfig?.EdsConfig, "eds_cluster_config.eds_config") : ConfigOrigin.Stream;
        var hosts = snapshot.Discovery == DiscoveryType.Static ? HostSets.Parse(snapshot.Endpoints, "load_assignment")
            : snapshot.Discovery == DiscoveryType.Eds && _assignments.TryGetValue(origin.KeyOf(snapshot.EdsName), out var assignment) ? HostSets.Parse(ClusterCompiler.Endpoints(assignment), assignment.ClusterName)
            : null;
        // From here on nothing can be refused.
        if (known is null) _clusters[message.Name] = known = new Entry { Message = message, State = new ClusterState(snapshot, context.Stats), IsStatic = isStatic, Endpoints = origin };
        else known.State.Snapshot = snapshot;
        (known.Message, known.Version, known.Endpoints) = (message, version, origin);
        if (hosts is not null) HostSets.Update(known.State, hosts);
        known.IsWarm |= hosts is not null || snapshot.Discovery == DiscoveryType.OriginalDestination;
    }

    /// <summary>Takes away what an update says is gone. Static clusters stay.</summary>
    public void Remove(ResourceUpdate update, HashSet<string> present)
    {
        foreach (var (name, entry) in _clusters.ToList())
            if (!entry.IsStatic && (update.IsWhole ? !present.Contains(name) : update.Removed.Contains(name)))
                _clusters.Remove(name);
        foreach (var unused in _assignments.Keys.Except(_clusters.Values.Select(cluster => cluster.AssignmentKey)).ToList()) _assignments.Remove(unused);
    }

    /// <exception cref="ConfigRefusedException">An address is none.</exception>
    public void Apply(ClusterLoadAssignment assignment, string? file)
    {
        var hosts = HostSets.Parse(ClusterCompiler.Endpoints(assignment), assignment.ClusterName);
        var key = new ConfigOrigin(file, null, 0).KeyOf(assignment.ClusterName);
        _assignments[key] = assignment;
        foreach (var entry in _clusters.Values)
        {
            if (!entry.NeedsAssignment || entry.AssignmentKey != key) continue;
            HostSets.Update(entry.State, hosts);
            entry.State.Stats.AddShared(ClusterStats.UpdateSuccess);
            entry.IsWarm = true;
        }
    }

    /// <summary>
    /// The control plane knows no endpoints of these names: who waits for them waits no more; hosts that were there stay.
    /// Source: Envoy, EdsClusterImpl::onConfigUpdate of an empty update.
    /// </summary>
    public void WithoutEndpoints(IEnumerable<string> names)
    {
        foreach (var name in names)
            foreach (var entry in _clusters.Values)
                if (entry is { NeedsAssignment: true, Endpoints.File: null } && entry.State.Snapshot.EdsName == name)
                {
                    entry.State.Stats.AddShared(ClusterStats.UpdateEmpty);
                    entry.IsWarm = true;
                }
    }

    /// <summary>Takes looked-up hosts; null when the look-up failed, which ends the waiting all the same. True when it became warm.</summary>
    public bool SetResolved(ClusterState cluster, IReadOnlyList<(EndpointConfig Endpoint, SocketAddress Address)>? resolved)
    {
        if (resolved is not null) HostSets.Update(cluster, resolved);
        if (!_clusters.TryGetValue(cluster.Name, out var entry) || entry.IsWarm) return false;
        return entry.IsWarm = true;
    }

    /// <summary>Lets clusters serve that have waited as long as they may; true when there were some.</summary>
    public bool GiveUpWaiting()
    {
        var any = false;
        foreach (var entry in _clusters.Values)
            if (!entry.IsWarm && entry.Endpoints.PatienceMs > 0 && Stopwatch.GetElapsedTime(entry.Since).TotalMilliseconds > entry.Endpoints.PatienceMs)
                any = entry.IsWarm = true;
        return any || _clusters.Values.Any(entry => entry.IsWarm && entry.Serves && context.Clusters.Current.Find(entry.State.Name) is null);
    }

    public void Publish() =>
        context.Clusters.Publish(new ClusterMap(_clusters.Values.Where(entry => entry.Serves).ToDictionary(entry => entry.State.Name, entry => entry.State, StringComparer.Ordinal)));

    public DumpedResource[] Dump() => [.. _clusters.Values.Select(entry => new DumpedResource(entry.State.Name, entry.Message, entry.Version, entry.IsStatic, entry.Serves))];

    public DumpedResource[] DumpEndpoints() => [.. _assignments.Values.Select(assignment => new DumpedResource(assignment.ClusterName, assignment, "", false, true))];
}
