using Lateen.Kubernetes.Models;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Service = Lateen.Pilot.Model.Service;
using ServiceEndpoint = Lateen.Pilot.Model.ServiceEndpoint;

namespace Lateen.Pilot.Registries.Kubernetes;

/// <summary>
/// The services of a Kubernetes cluster, kept up to date object by object. Services' endpoints come from their
/// EndpointSlices, or from Endpoints where nobody writes slices. Owned by the push loop.
/// </summary>
internal sealed class KubernetesRegistry(string domain, WorkloadTable workloads)
{
    private readonly Dictionary<(string Namespace, string Name), Service> _services = [];
    private readonly Dictionary<(string Namespace, string Name), EndpointSlice> _slices = [];
    private readonly Dictionary<(string Namespace, string Name), HashSet<string>> _slicesOf = [];
    private readonly Dictionary<(string Namespace, string Name), Endpoints> _endpoints = [];
    private readonly Dictionary<string, HashSet<(string Namespace, string Name)>> _servicesAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Locality> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Namespace, string Name), Pod> _pods = [];
    private readonly HashSet<(string Namespace, string Name)> _dirty = [];

    /// <summary>Endpoints of services for which the cluster has no pods: the WorkloadEntries that a selector covers.</summary>
    public Func<Service, IEnumerable<ServiceEndpoint>> ExtraEndpoints { get; set; } = _ => [];

    public IReadOnlyCollection<string> DefaultExportTo { get; set; } = [];

    public IEnumerable<Service> Services => _services.Values;

    public bool Set(Lateen.Kubernetes.Models.Service? service, string @namespace, string name, RegistryChanges changes)
    {
        var key = (@namespace, name);
        var host = (KubernetesConversion.Hostname(name, @namespace, domain), @namespace);
        if (service == null)
        {
            if (!_services.Remove(key)) return false;
            changes.Endpoints[host] = null;
        }
        else
        {
            var converted = KubernetesConversion.Convert(service, domain, DefaultExportTo);
            if (_services.TryGetValue(key, out var previous) && previous.SameAs(converted)) return false;
            _services[key] = converted;
            _dirty.Add(key);
        }
        changes.Services.Add(host);
        return true;
    }

    public void Set(EndpointSlice? slice, string @namespace, string name)
    {
        var key = (@namespace, name);
        if (_slices.Remove(key, out var previous))
        {
            var owner = (@namespace, previous.ServiceName);
            Touch(owner, previous.All.Select(e => e.Address), false);
            if (_slicesOf.TryGetValue(owner, out var siblings) && siblings.Remove(name))
                Touch(owner, siblings.SelectMany(s => _slices[(@namespace, s)].All).Select(e => e.Address), true);
        }
        if (slice == null || slice.ServiceName.Length == 0 || slice.AddressType is "FQDN") return;
        _slices[key] = slice;
        var service = (@namespace, slice.ServiceName);
        if (!_slicesOf.TryGetValue(service, out var names)) _slicesOf[service] = names = new(StringComparer.Ordinal);
        names.Add(name);
        Touch(service, slice.All.Select(e => e.Address), true);
    }

    public void Set(Endpoints? endpoints, string @namespace, string name)
    {
        var key = (@namespace, name);
        if (_endpoints.Remove(key, out var previous)) Touch(key, previous.All.Select(e => e.Address), false);
        if (endpoints == null) return;
        _endpoints[key] = endpoints;
        Touch(key, endpoints.All.Select(e => e.Address), true);
    }

    /// <summary>Replaces a pod; true when that changed it as a workload.</summary>
    public bool Set(Pod? pod, string @namespace, string name)
    {
        var before = workloads.Find(@namespace, name);
        if (pod == null) _pods.Remove((@namespace, name));
        else _pods[(@namespace, name)] = pod;
        var after = pod == null ? null : KubernetesConversion.Convert(pod, LocalityOfNode);
        if (!workloads.Set(@namespace, name, after)) return false;
        foreach (var address in new[] { before?.Address, after?.Address })
            if (address != null && _servicesAt.TryGetValue(address, out var services)) _dirty.UnionWith(services);
        return true;
    }

    /// <summary>Replaces a node; its locality is its pods' locality.</summary>
    public void Set(Node? node, string name, RegistryChanges changes)
    {
        var locality = node == null ? Locality.None : KubernetesConversion.LocalityOf(node);
        if (LocalityOfNode(name) == locality) return;
        _nodes[name] = locality;
        foreach (var (key, pod) in _pods.Where(p => p.Value.NodeName == name).ToList())
            if (Set(pod, key.Namespace, key.Name)) changes.Workloads.Add(key);
    }

    /// <summary>The endpoints of every service with a selector in a namespace must be gathered again.</summary>
    public void TouchSelectors(string @namespace)
    {
        foreach (var (key, service) in _services)
            if (key.Namespace == @namespace && service.Selector != null) _dirty.Add(key);
    }

    /// <summary>Reads all services again, after a setting changed that decides them.</summary>
    public void TouchAll() => _dirty.UnionWith(_services.Keys);

    /// <summary>Gathers the endpoints of the services that a batch touched.</summary>
    public void Collect(RegistryChanges changes)
    {
        foreach (var key in _dirty)
            if (_services.TryGetValue(key, out var service)) changes.Endpoints[(service.Hostname, key.Namespace)] = Gather(service, key);
        _dirty.Clear();
    }

    private ServiceEndpoints? Gather(Service service, (string Namespace, string Name) key)
    {
        List<ServiceEndpoint> endpoints = [];
        var seen = new HashSet<(string, int, string)>();
        foreach (var endpoint in Written(key))
        {
            // A slice may be of any transport; the service's own port says what the proxy is to do with it.
            if (endpoint.Protocol != "TCP" || !(endpoint.Ready || service.PublishesNotReady)) continue;
            if (service.Ports.Count == 0 || !seen.Add((endpoint.Address, endpoint.Port, endpoint.PortName))) continue;
            var workload = endpoint.Pod is { } pod ? workloads.Find(pod.Namespace, pod.Name) : workloads.AtAddress(endpoint.Address);
            // parity: an endpoint whose pod is not known yet waits for it, or it would be in no subset.
            if (endpoint.Pod != null && workload == null) continue;
            endpoints.Add(Convert(endpoint, workload, key.Namespace));
        }
        endpoints.AddRange(ExtraEndpoints(service));
        return endpoints.Count == 0 ? null : new(service.Hostname, key.Namespace, Order(endpoints));
    }

    private IEnumerable<Lateen.Kubernetes.Models.ServiceEndpoint> Written((string Namespace, string Name) key)
    {
        if (_slicesOf.TryGetValue(key, out var names) && names.Count > 0)
            return names.Order(StringComparer.Ordinal).SelectMany(n => _slices[(key.Namespace, n)].All);
        return _endpoints.TryGetValue(key, out var endpoints) ? endpoints.All : [];
    }

    private ServiceEndpoint Convert(Lateen.Kubernetes.Models.ServiceEndpoint endpoint, Workload? workload, string @namespace) => new()
    {
        Address = endpoint.Address,
        Port = endpoint.Port,
        ServicePortName = endpoint.PortName,
        Labels = workload?.Labels ?? Labels.None,
        Locality = workload?.Locality ?? LocalityOfNode(endpoint.NodeName),
        Namespace = workload?.Namespace ?? @namespace,
        WorkloadName = workload?.WorkloadName ?? "",
        ServiceAccount = workload?.ServiceAccount ?? "",
        NodeName = workload?.NodeName ?? endpoint.NodeName,
    };

    /// <summary>An order that does not depend on who reported first, so that equal sets are equal.</summary>
    internal static List<ServiceEndpoint> Order(List<ServiceEndpoint> endpoints)
    {
        endpoints.Sort(static (a, b) =>
        {
            var byAddress = string.CompareOrdinal(a.Address, b.Address);
            if (byAddress != 0) return byAddress;
            var byPort = a.Port.CompareTo(b.Port);
            return byPort != 0 ? byPort : string.CompareOrdinal(a.ServicePortName, b.ServicePortName);
        });
        return endpoints;
    }

    private Locality LocalityOfNode(string name) => _nodes.GetValueOrDefault(name, Locality.None);

    private void Touch((string, string) service, IEnumerable<string> addresses, bool present)
    {
        _dirty.Add(service);
        foreach (var address in addresses.Distinct())
        {
            if (!_servicesAt.TryGetValue(address, out var services)) _servicesAt[address] = services = [];
            if (present) services.Add(service);
            else if (services.Remove(service) && services.Count == 0) _servicesAt.Remove(address);
        }
    }
}
