using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>All services of the mesh, oldest first, by who may see them. Immutable; replaced when any service changes.</summary>
internal sealed class ServiceIndex
{
    public static readonly ServiceIndex Empty = new([]);

    private readonly Dictionary<string, List<Service>> _byHost = new(StringComparer.Ordinal);
    private readonly List<Service> _public = [];
    private readonly Dictionary<string, List<Service>> _exported = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<Service>> _byNamespace = new(StringComparer.Ordinal);

    public ServiceIndex(IEnumerable<Service> services)
    {
        var ordered = services.OrderBy(s => s.Created).ThenBy(s => s.Hostname, StringComparer.Ordinal).ThenBy(s => s.Namespace, StringComparer.Ordinal).ToList();
        All = ResolveAliases(ordered);
        foreach (var service in All) Add(service);
    }

    public IReadOnlyList<Service> All { get; }

    public IReadOnlyList<Service> InNamespace(string @namespace) => _byNamespace.GetValueOrDefault(@namespace, []);

    /// <summary>The services of one host name in all namespaces, at most one each: Kubernetes' own before others, then the oldest.</summary>
    public IReadOnlyList<Service> ByHost(string hostname) => _byHost.TryGetValue(hostname, out var found) ? found : [];

    public Service? Find(string hostname, string @namespace)
    {
        if (!_byHost.TryGetValue(hostname, out var found)) return null;
        foreach (var service in found)
            if (service.Namespace == @namespace) return service;
        return null;
    }

    /// <summary>What a client in a namespace may see: first what was exported to that namespace, then what is public.</summary>
    public IEnumerable<Service> VisibleTo(string @namespace) =>
        _exported.TryGetValue(@namespace, out var own) ? own.Concat(_public) : _public;

    private void Add(Service service)
    {
        if (!_byNamespace.TryGetValue(service.Namespace, out var inNamespace)) _byNamespace[service.Namespace] = inNamespace = new List<Service>();
        ((List<Service>)inNamespace).Add(service);
        if (!_byHost.TryGetValue(service.Hostname, out var sameHost)) _byHost[service.Hostname] = sameHost = [];
        var existing = sameHost.FindIndex(s => s.Namespace == service.Namespace);
        if (existing < 0) sameHost.Add(service);
        else if (sameHost[existing].Registry != RegistryKind.Kubernetes && service.Registry == RegistryKind.Kubernetes) sameHost[existing] = service;

        if (service.ExportedTo.IsPublic) _public.Add(service);
        else
            foreach (var target in service.ExportedTo.Namespaces)
            {
                if (!_exported.TryGetValue(target, out var list)) _exported[target] = list = [];
                list.Add(service);
            }
    }

    /// <summary>
    /// Gives each service that ExternalName services stand for its aliases. An alias of an alias is followed to the end; a
    /// loop or an end that no service has leaves the alias without effect.
    /// </summary>
    private static List<Service> ResolveAliases(List<Service> services)
    {
        Dictionary<string, Service>? byHost = null;
        Dictionary<string, List<string>>? aliases = null;
        foreach (var service in services)
        {
            if (service.Resolution != Resolution.Alias) continue;
            byHost ??= services.GroupBy(s => s.Hostname, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
            var target = service;
            for (var steps = 0; target is { Resolution: Resolution.Alias } && steps < 10; steps++)
                target = byHost.GetValueOrDefault(target.AliasOf);
            if (target == null || target.Resolution == Resolution.Alias) continue;
            aliases ??= new(StringComparer.Ordinal);
            if (!aliases.TryGetValue(target.Hostname, out var list)) aliases[target.Hostname] = list = [];
            list.Add(service.Hostname);
        }
        if (aliases == null) return services;
        return services.ConvertAll(s => aliases.TryGetValue(s.Hostname, out var names) && s.Resolution != Resolution.Alias ? s.WithAliases(names) : s);
    }
}
