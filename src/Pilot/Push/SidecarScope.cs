using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Push;

/// <summary>
/// Everything that the proxies of one namespace (and one Sidecar object) may see. Immutable: the root of what is generated
/// for them and of its caches, so an edit that they cannot see leaves the same object.
/// </summary>
internal sealed class SidecarScope
{
    private SidecarScope(ScopeInputs inputs, IReadOnlyList<EgressScope> egress, ScopeServices services)
    {
        (Namespace, Mesh, SidecarConfig, Egress, Services) = (inputs.Namespace, inputs.Mesh, inputs.Sidecar, egress, services);
        AllowsAny = inputs.Sidecar?.As<Sidecar>().OutboundTrafficPolicy is { } policy
            ? policy.Mode == OutboundTrafficPolicy.Types.Mode.AllowAny
            : inputs.Mesh.AllowsAny;
        ComparesLabels = services.AnyRule(r => HasFailoverPriority(r.Rule.TrafficPolicy) || r.Rule.Subsets.Any(s => HasFailoverPriority(s.TrafficPolicy)))
            || Mesh.Config.LocalityLbSetting is { FailoverPriority.Count: > 0 };
        Selectors = [.. egress.SelectMany(e => e.Rules).Distinct().Where(r => r.SourceSelectors.Count > 0)];
    }

    public string Namespace { get; }
    public MeshSettings Mesh { get; }

    /// <summary>The Sidecar object that shapes the scope; null for the default.</summary>
    public ConfigObject? SidecarConfig { get; }

    public Sidecar? Sidecar => SidecarConfig?.As<Sidecar>();
    public IReadOnlyList<EgressScope> Egress { get; }
    public ScopeServices Services { get; }
    public bool AllowsAny { get; }

    /// <summary>Whether some rule compares the client's labels with those of endpoints, to choose near ones.</summary>
    public bool ComparesLabels { get; }

    /// <summary>The visible rules whose routes depend on who asks.</summary>
    public IReadOnlyList<VirtualServiceEntry> Selectors { get; }

    /// <summary>What was generated in this scope. Any thread.</summary>
    public GeneratedCache Generated { get; } = new(GeneratedCache.ScopeBound);

    /// <summary>Everything about a client's labels that decides its resources in this scope, as a key.</summary>
    public string SelectedBy(IReadOnlyDictionary<string, string> labels)
    {
        if (Selectors.Count == 0 && !Services.HasSelectors) return "";
        return string.Join(" ", Selectors.Select(s => s.SelectedBy(labels, Namespace)).Append(Services.SelectedBy(labels)));
    }

    /// <summary>What was generated last in this scope and those before it of the same proxies, to be compared with. Any thread.</summary>
    public GeneratedMemory Memory { get; private init; } = new();

    /// <summary>The egress listener whose services a route of this port (or socket) has.</summary>
    public EgressScope? EgressFor(int port, string bind)
    {
        foreach (var egress in Egress)
        {
            if (egress.Listener?.Port == null) return egress;
            if (egress.Port == port && (port != 0 || egress.Listener.Bind == bind)) return egress;
        }
        return null;
    }

    /// <summary>Compiles the scope, or returns <paramref name="previous"/> when nothing that it shows has changed.</summary>
    public static SidecarScope Build(ScopeInputs inputs, SidecarScope? previous)
    {
        var listeners = inputs.Sidecar?.As<Sidecar>().Egress;
        List<EgressScope> egress = listeners is { Count: > 0 }
            ? [.. listeners.Select(l => BuildEgress(inputs, l))]
            : [BuildEgress(inputs, null)];
        var services = SelectServices(inputs, egress, previous);
        return previous != null && ReferenceEquals(services, previous.Services) && ReferenceEquals(inputs.Mesh, previous.Mesh)
            && ReferenceEquals(inputs.Sidecar, previous.SidecarConfig) && SameEgress(egress, previous.Egress)
            ? previous
            : new(inputs, egress, services) { Memory = previous?.Memory ?? new() };
    }

    private static bool HasFailoverPriority(TrafficPolicy? policy) =>
        policy != null && (policy.LoadBalancer?.LocalityLbSetting is { FailoverPriority.Count: > 0 }
            || policy.PortLevelSettings.Any(p => p.LoadBalancer?.LocalityLbSetting is { FailoverPriority.Count: > 0 }));

    private static EgressScope BuildEgress(ScopeInputs inputs, IstioEgressListener? listener)
    {
        var hosts = new ImportedHosts(listener is { } l ? l.Hosts : ["*/*"], inputs.Namespace);
        var visible = inputs.Services.VisibleTo(inputs.Namespace);
        var port = (int)(listener?.Port?.Number ?? 0);
        var matchPort = port != 0 && PortProtocols.Parse(listener!.Port.Protocol) != PortProtocol.HttpProxy;
        var everything = hosts.IsEverything;
        var imported = new List<Service>();
        foreach (var service in visible)
        {
            if (!everything && !hosts.Imports(service)) continue;
            if (!matchPort) imported.Add(service);
            else if (service.PortByNumber(port) is { } only) imported.Add(service.Ports.Count == 1 ? service : service.WithPorts([only]));
        }
        var rules = inputs.Rules.VisibleTo(inputs.Namespace).Where(r => r.IsMesh && (everything || hosts.Imports(r))).Distinct();
        return new(listener, OnePerHost(imported, inputs.Namespace), [.. rules]);
    }

    /// <summary>Of services of one host name in several namespaces, those of the client's own; else of the first.</summary>
    private static List<Service> OnePerHost(List<Service> services, string ownNamespace)
    {
        var chosen = new Dictionary<string, string>(services.Count, StringComparer.Ordinal);
        var ambiguous = false;
        foreach (var service in services)
            if (!chosen.TryAdd(service.Hostname, service.Namespace) && chosen[service.Hostname] != service.Namespace)
            {
                ambiguous = true;
                if (service.Namespace == ownNamespace) chosen[service.Hostname] = ownNamespace;
            }
        return ambiguous ? services.FindAll(s => chosen[s.Hostname] == s.Namespace) : services;
    }

    private static ScopeServices SelectServices(ScopeInputs inputs, List<EgressScope> egress, SidecarScope? previous)
    {
        var collector = new ServiceCollector();
        foreach (var listener in egress)
        {
            foreach (var service in listener.Services) collector.Add(service);
            if (inputs.Sidecar == null) continue;
            foreach (var rule in listener.Rules)
                foreach (var host in DestinationHosts.Of(rule, inputs.Namespace))
                    if (Choose(inputs, host) is { } destination && (listener.Port == 0 || listener.IsHttpProxy || destination.PortByNumber(listener.Port) != null))
                        collector.Add(destination);
        }
        var selected = new ScopeServices(collector.Services, s => inputs.DestinationRules.Find(s, inputs.Namespace));
        return previous != null && previous.Services.SameAs(selected) ? previous.Services : selected;
    }

    /// <summary>A destination's service: in the own namespace, else in the first namespace by name that shows it.</summary>
    private static Service? Choose(ScopeInputs inputs, string host) =>
        inputs.Services.Find(host, inputs.Namespace)
        ?? inputs.Services.ByHost(host).Where(s => s.ExportedTo.Includes(inputs.Namespace)).OrderBy(s => s.Namespace, StringComparer.Ordinal).FirstOrDefault();

    private static bool SameEgress(List<EgressScope> left, IReadOnlyList<EgressScope> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
            if (!left[i].Services.SequenceEqual(right[i].Services, ReferenceEqualityComparer.Instance)
                || !left[i].Rules.SequenceEqual(right[i].Rules, ReferenceEqualityComparer.Instance)) return false;
        return true;
    }
}
