using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Lateen.Pilot.Registries.Kubernetes;

namespace Lateen.Pilot.Registries.ServiceEntries;

/// <summary>The services that ServiceEntries add, kept up to date object by object. Owned by the push loop.</summary>
internal sealed class ServiceEntryRegistry(WorkloadTable workloads)
{
    private readonly Dictionary<(string Namespace, string Name), (ConfigObject Config, List<Service> Services)> _entries = [];
    private readonly Dictionary<(string Namespace, string Name), ConfigObject> _workloadEntries = [];
    private readonly HashSet<(string Namespace, string Name)> _dirty = [];

    /// <summary>The hosts of each namespace by the entries that say them, oldest first: the oldest entry has the host.</summary>
    private readonly Dictionary<(string Host, string Namespace), List<(string Namespace, string Name)>> _owners = [];

    public IReadOnlyCollection<string> DefaultExportTo { get; set; } = [];

    public IEnumerable<Service> Services =>
        _owners.Select(o => _entries[o.Value[0]].Services.Find(s => s.Hostname == o.Key.Host)!);

    public void SetEntry(ConfigObject? config, string @namespace, string name, RegistryChanges changes)
    {
        var key = (@namespace, name);
        _entries.Remove(key, out var previous);
        var services = config == null ? [] : ServiceEntryConversion.Services(config, DefaultExportTo);
        if (previous.Services != null)
            for (var i = 0; i < services.Count; i++)
                if (previous.Services.Find(s => s.Hostname == services[i].Hostname) is { } same && same.SameAs(services[i])) services[i] = same;
        if (config != null) _entries[key] = (config, services);
        var all = (previous.Services ?? []).Concat(services);
        foreach (var service in all.Distinct())
        {
            var host = (service.Hostname, @namespace);
            var kept = previous.Services?.Contains(service) == true && services.Contains(service);
            if (!kept) changes.Services.Add(host);
            Own(host, key, services.Exists(s => s.Hostname == service.Hostname));
            if (_owners.TryGetValue(host, out var owners)) _dirty.UnionWith(owners);
            else changes.Endpoints[host] = null;
        }
    }

    public void SetWorkloadEntry(ConfigObject? config, string @namespace, string name)
    {
        if (config == null) _workloadEntries.Remove((@namespace, name));
        else _workloadEntries[(@namespace, name)] = config;
        TouchSelectors(@namespace);
    }

    /// <summary>The endpoints of entries with a selector in a namespace must be gathered again.</summary>
    public void TouchSelectors(string @namespace)
    {
        foreach (var (key, entry) in _entries)
            if (key.Namespace == @namespace && entry.Config.As<ServiceEntry>().WorkloadSelector != null) _dirty.Add(key);
    }

    public void Collect(RegistryChanges changes)
    {
        foreach (var key in _dirty)
        {
            if (!_entries.TryGetValue(key, out var entry)) continue;
            foreach (var service in entry.Services)
            {
                var host = (service.Hostname, key.Namespace);
                if (_owners.TryGetValue(host, out var owners) && owners[0] == key) changes.Endpoints[host] = Gather(service, owners);
            }
        }
        _dirty.Clear();
    }

    /// <summary>The WorkloadEntries that a Kubernetes service's selector covers, as its endpoints.</summary>
    public IEnumerable<ServiceEndpoint> EndpointsFor(Service service)
    {
        if (service.Selector == null) yield break;
        foreach (var (key, config) in _workloadEntries)
            if (key.Namespace == service.Namespace && Labels.Covers((IEnumerable<KeyValuePair<string, string>>)service.Selector, config.As<WorkloadEntry>().Labels.AsReadOnly()))
                foreach (var port in service.Ports)
                    if (port.Protocol != PortProtocol.Udp) yield return ServiceEntryConversion.Convert(config.As<WorkloadEntry>(), port, key.Namespace, key.Name);
    }

    private ServiceEndpoints? Gather(Service service, List<(string Namespace, string Name)> owners)
    {
        List<ServiceEndpoint> endpoints = [];
        foreach (var owner in owners)
        {
            var (config, services) = _entries[owner];
            if (services.Find(s => s.Hostname == service.Hostname) is { } own) endpoints.AddRange(ServiceEntryConversion.OwnEndpoints(config, own));
        }
        if (service.Selector is { } selector)
        {
            foreach (var pod in workloads.All)
                if (pod.Namespace == service.Namespace && pod.IsReady && pod.Address.Length > 0 && Labels.Covers(selector, pod.Labels))
                    endpoints.AddRange(service.Ports.Select(p => ServiceEntryConversion.Convert(pod, p)).Where(e => e.Port > 0));
            endpoints.AddRange(EndpointsFor(service));
        }
        return endpoints.Count == 0 ? null : new(service.Hostname, service.Namespace, KubernetesRegistry.Order(endpoints));
    }

    private void Own((string, string) host, (string, string) key, bool owns)
    {
        if (!_owners.TryGetValue(host, out var owners)) _owners[host] = owners = [];
        owners.Remove(key);
        if (owns) owners.Add(key);
        if (owners.Count == 0) _owners.Remove(host);
        else owners.Sort((a, b) => CreatedOf(a).CompareTo(CreatedOf(b)));
    }

    private DateTimeOffset CreatedOf((string, string) key) => _entries[key].Config.CreationTimestamp ?? DateTimeOffset.MinValue;
}
