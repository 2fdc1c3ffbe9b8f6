using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// Gathers services of one host name into one: Kubernetes' own wins, then the first; parts of one service that different
/// listeners imported are put together again (pilot/pkg/model/sidecar.go#appendSidecarServices).
/// </summary>
internal sealed class ServiceCollector
{
    private readonly Dictionary<string, int> _byHost = new(StringComparer.Ordinal);

    public List<Service> Services { get; } = [];

    public void Add(Service service)
    {
        if (!_byHost.TryGetValue(service.Hostname, out var at))
        {
            _byHost[service.Hostname] = Services.Count;
            Services.Add(service);
            return;
        }
        var existing = Services[at];
        if (ReferenceEquals(existing, service)) return;
        if (existing.Registry != service.Registry)
        {
            if (service.Registry == RegistryKind.Kubernetes) Services[at] = service;
            return;
        }
        if (existing.Namespace != service.Namespace || existing.Resolution != service.Resolution) return;
        var missing = service.Ports.Where(p => existing.PortByNumber(p.Port) == null).ToList();
        if (missing.Count > 0) Services[at] = existing.WithPorts([.. existing.Ports, .. missing]);
    }
}
