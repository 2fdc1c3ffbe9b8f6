using System.Collections.Immutable;
using System.Globalization;
using Istio.Mesh.V1Alpha1;
using Lateen.Config;
using Lateen.Pilot.Model;
using Lateen.Pilot.Registries;

namespace Lateen.Pilot.Push;

/// <summary>
/// Keeps the state that the sources report and compiles it into snapshots. Owned by the push loop; the snapshots that it
/// returns are immutable.
/// </summary>
internal sealed class SnapshotBuilder(string domain, TimeProvider time)
{
    private readonly MeshRegistries _registries = new(domain);
    private readonly Dictionary<string, Dictionary<(string Namespace, string Name), ConfigObject>> _configs = new(StringComparer.Ordinal)
    {
        ["VirtualService"] = [], ["DestinationRule"] = [], ["Sidecar"] = [], ["Gateway"] = [], ["AuthorizationPolicy"] = [], ["RequestAuthentication"] = [], ["Telemetry"] = [],
    };

    public PushSnapshot Current { get; private set; } = PushSnapshot.Empty(domain);

    /// <summary>Applies a batch. Null when nothing that a proxy could see has changed.</summary>
    public PushRequest? Apply(ChangeBatch batch)
    {
        // 1. the mesh's settings, since everything else is read by them
        var mesh = Current.Mesh;
        foreach (var change in batch.Changes)
            if (change.Kind == ConfigKey.Mesh) mesh = new((MeshConfig?)change.Value ?? new(), domain);
        var meshChanged = !ReferenceEquals(mesh, Current.Mesh) && !mesh.Config.Equals(Current.Mesh.Config);
        if (!meshChanged) mesh = Current.Mesh;
        _registries.DefaultExportTo = mesh.Config.DefaultServiceExportTo;

        // 2. objects
        var registry = new RegistryChanges();
        var changed = ImmutableHashSet.CreateBuilder<ConfigKey>();
        var dirtyKinds = new HashSet<string>(StringComparer.Ordinal);
        foreach (var change in batch.Changes)
            if (!_registries.Apply(change, registry) && Store(change)) { dirtyKinds.Add(change.Kind); changed.Add(new(change.Kind, change.Namespace, change.Name)); }
        _registries.Collect(registry);

        // 3. endpoints, of which only those count that differ
        var endpoints = registry.Endpoints.Where(e => !Same(Current.Endpoints.Find(e.Key.Host, e.Key.Namespace), e.Value)).ToList();
        foreach (var ((host, @namespace), _) in endpoints) changed.Add(new(ConfigKey.Endpoints, @namespace, host));
        foreach (var (host, @namespace) in registry.Services) changed.Add(new(ConfigKey.Service, @namespace, host));
        foreach (var (@namespace, name) in registry.Workloads) changed.Add(new(ConfigKey.Workload, @namespace, name));
        if (meshChanged) changed.Add(new(ConfigKey.Mesh, "", ""));
        if (changed.Count == 0 && Current.Number > 0) return null;

        // 4. compile what changed
        var services = registry.Services.Count > 0 ? new ServiceIndex(_registries.Services) : Current.Services;
        var number = Current.Number + 1;
        Current = new()
        {
            Number = number,
            Version = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}/{number}"),
            Mesh = mesh,
            Scopes = Current.Scopes,
            Services = services,
            Endpoints = endpoints.Count > 0 ? Current.Endpoints.With(endpoints) : Current.Endpoints,
            Rules = meshChanged || dirtyKinds.Contains("VirtualService")
                ? VirtualServiceIndex.Build(_configs["VirtualService"].Values, Current.Rules, domain, mesh.Config.DefaultVirtualServiceExportTo, !meshChanged)
                : Current.Rules,
            DestinationRules = meshChanged || dirtyKinds.Contains("DestinationRule")
                ? DestinationRuleIndex.Build(_configs["DestinationRule"].Values, Current.DestinationRules, domain, mesh.RootNamespace, mesh.Config.DefaultDestinationRuleExportTo)
                : Current.DestinationRules,
            Sidecars = meshChanged || dirtyKinds.Contains("Sidecar") ? new SidecarIndex(_configs["Sidecar"].Values, mesh.RootNamespace) : Current.Sidecars,
            Gateways = dirtyKinds.Contains("Gateway") ? [.. _configs["Gateway"].Values.OldestFirst()] : Current.Gateways,
            Policies = meshChanged || dirtyKinds.Contains("AuthorizationPolicy") || dirtyKinds.Contains("RequestAuthentication")
                ? new PolicyIndex(mesh.RootNamespace, _configs["AuthorizationPolicy"].Values, _configs["RequestAuthentication"].Values)
                : Current.Policies,
            Telemetry = meshChanged || dirtyKinds.Contains("Telemetry") ? new TelemetryIndex(mesh, _configs["Telemetry"].Values) : Current.Telemetry,
            Workloads = registry.Workloads.Count > 0 ? new Dictionary<string, Workload>(_registries.WorkloadsByAddress) : Current.Workloads,
        };
        var full = meshChanged || dirtyKinds.Count > 0 || registry.Services.Count > 0 || endpoints.Exists(e => IsPartOfConfiguration(services, e.Key));
        return new() { Snapshot = Current, IsFull = full, Changed = changed.ToImmutable(), Since = batch.Since };
    }

    private bool Store(StateChange change)
    {
        if (!_configs.TryGetValue(change.Kind, out var objects)) return false;
        var key = (change.Namespace, change.Name);
        if (change.Value == null) return objects.Remove(key);
        var config = (ConfigObject)change.Value;
        objects[key] = config;
        return true;
    }

    /// <summary>Endpoints that stand in clusters or listeners themselves: of names and of headless services.</summary>
    private static bool IsPartOfConfiguration(ServiceIndex services, (string Host, string Namespace) key) =>
        services.Find(key.Host, key.Namespace) is { Resolution: not Resolution.ClientSide };

    private static bool Same(ServiceEndpoints? before, ServiceEndpoints? after) =>
        before == null ? after == null : after != null && before.SameAs(after);
}
