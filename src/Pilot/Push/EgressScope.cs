using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// What one egress listener of a Sidecar imports (or the one listener of a proxy without Sidecar): services and the
/// VirtualServices that apply to them, in the order in which they win. Immutable.
/// </summary>
internal sealed class EgressScope
{
    private readonly Dictionary<string, List<int>> _exactHosts = new(StringComparer.Ordinal);
    private readonly List<(string Host, int Index)> _wildcardHosts = [];
    private readonly Lazy<Dictionary<string, int>> _mostSpecific;
    private readonly Lazy<Dictionary<int, List<Service>>> _byPort;
    private readonly Lazy<List<VirtualServiceEntry>> _layer4;

    public EgressScope(IstioEgressListener? listener, IReadOnlyList<Service> services, IReadOnlyList<VirtualServiceEntry> rules)
    {
        (Listener, Services, Rules) = (listener, services, rules);
        for (var i = 0; i < rules.Count; i++)
            foreach (var host in rules[i].Hosts)
                if (Hostnames.IsWildcard(host)) _wildcardHosts.Add((host, i));
                else if (_exactHosts.TryGetValue(host, out var list)) list.Add(i);
                else _exactHosts[host] = [i];
        _mostSpecific = new(FindMostSpecific);
        _byPort = new(GroupByPort);
        _layer4 = new(() => [.. Rules.Where(r => r.Spec.Tcp.Count + r.Spec.Tls.Count > 0)]);
    }

    /// <summary>The operator's listener; null without a Sidecar.</summary>
    public IstioEgressListener? Listener { get; }

    public IReadOnlyList<Service> Services { get; }
    public IReadOnlyList<VirtualServiceEntry> Rules { get; }

    /// <summary>The listener's own port; 0 for the one that catches all ports.</summary>
    public int Port => (int)(Listener?.Port?.Number ?? 0);

    public bool IsHttpProxy => Listener?.Port != null && PortProtocols.Parse(Listener.Port.Protocol) == PortProtocol.HttpProxy;

    /// <summary>The services with a port of this number, oldest first.</summary>
    public IReadOnlyList<Service> ServicesOnPort(int port) => _byPort.Value.TryGetValue(port, out var found) ? found : [];

    public IEnumerable<int> Ports => _byPort.Value.Keys;

    /// <summary>The rules with TCP or TLS routes for a service, in order.</summary>
    public IEnumerable<VirtualServiceEntry> Layer4RulesFor(string hostname)
    {
        foreach (var rule in _layer4.Value)
            foreach (var host in rule.Hosts)
                if (Hostnames.Overlap(host, hostname))
                {
                    yield return rule;
                    break;
                }
    }

    /// <summary>The rules of which some host names or covers one of these services, in order; all rules for port 80.</summary>
    public IReadOnlyList<VirtualServiceEntry> RulesFor(int port, IReadOnlyDictionary<string, Service> services)
    {
        // parity: pilot/pkg/networking/core/httproute.go#BuildSidecarOutboundVirtualHosts gives hosts that no service has port 80
        if (port == 80 || Rules.Count == 0) return Rules;
        var selected = new SortedSet<int>();
        foreach (var host in services.Keys)
        {
            if (_exactHosts.TryGetValue(host, out var exact)) selected.UnionWith(exact);
            foreach (var (pattern, index) in _wildcardHosts)
                if (Hostnames.Overlap(pattern, host)) selected.Add(index);
            if (Hostnames.IsWildcard(host))
                foreach (var (name, indexes) in _exactHosts)
                    if (Hostnames.IsSubset(name, host)) selected.UnionWith(indexes);
        }
        return [.. selected.Select(i => Rules[i])];
    }

    /// <summary>Whether this rule is the one that decides for a service which only wildcards cover.</summary>
    public bool IsMostSpecificFor(VirtualServiceEntry rule, string hostname) =>
        _mostSpecific.Value.TryGetValue(hostname, out var index) && ReferenceEquals(Rules[index], rule);

    private Dictionary<string, int> FindMostSpecific()
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        if (_wildcardHosts.Count == 0) return found;
        var ordered = _wildcardHosts.OrderBy(w => w.Host, Comparer<string>.Create(Hostnames.MoreSpecificFirst)).ThenBy(w => w.Index).ToList();
        foreach (var service in Services)
            if (_exactHosts.TryGetValue(service.Hostname, out var exact)) found[service.Hostname] = exact[0];
            else
                foreach (var (pattern, index) in ordered)
                    if (Hostnames.IsSubset(service.Hostname, pattern))
                    {
                        found[service.Hostname] = index;
                        break;
                    }
        return found;
    }

    private Dictionary<int, List<Service>> GroupByPort()
    {
        var groups = new Dictionary<int, List<Service>>();
        foreach (var service in Services)
            foreach (var port in service.Ports)
                if (!groups.TryGetValue(port.Port, out var list)) groups[port.Port] = [service];
                else if (!ReferenceEquals(list[^1], service)) list.Add(service);
        return groups;
    }
}
