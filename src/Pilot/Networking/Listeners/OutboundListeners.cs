using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Service = Lateen.Pilot.Model.Service;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>
/// The outbound listeners of a sidecar: one for each HTTP port, one for each address and port of a TCP service
/// (pilot/pkg/networking/core/listener.go#buildSidecarOutboundListeners). Shared by all proxies for which they would be equal.
/// </summary>
internal static class OutboundListeners
{
    /// <summary>Listeners, and which of them stand for the address of one pod of a headless service.</summary>
    internal sealed record Result(EncodedResource[] All, IReadOnlyDictionary<string, HashSet<string>> OfPods);

    public static EncodedResource[] Get(Client client)
    {
        var scope = client.Scope;
        var facets = client.Facets;
        // Headless services have listeners for their pods: they follow the endpoints.
        var headless = scope.Generated.Get("headless", scope, static s => s.Egress.SelectMany(e => e.Services).Where(s => s.IsHeadless).Distinct().ToArray());
        var pods = new EndpointsKey(headless.Select(s => (object?)client.EndpointsOf(s)));
        var key = new Key(facets.DnsDomain, facets.Selected, facets.Filters, facets.Interception, client.Node.SharesLoopback, facets.AcceptsHttp10, facets.Telemetry.AsClient, pods);
        var result = scope.Generated.GetOnce(key, client, static c => new OutboundBuild(c).Run());
        // A proxy does not intercept the way to its own pod's address.
        var own = client.Node.Addresses[0];
        return result.OfPods.TryGetValue(own, out var mine) ? [.. result.All.Where(l => !mine.Contains(l.Name))] : result.All;
    }

    private sealed record Key(
        string DnsDomain, string Selected, FilterSupport Filters, InterceptionMode Interception, bool SharesLoopback, bool AcceptsHttp10, TelemetryPlan Telemetry, EndpointsKey Pods);

    /// <summary>The endpoints of all headless services, by identity.</summary>
    private sealed class EndpointsKey(IEnumerable<object?> endpoints) : IEquatable<EndpointsKey>
    {
        private readonly object?[] _endpoints = [.. endpoints];

        public bool Equals(EndpointsKey? other) => other != null && _endpoints.AsSpan().SequenceEqual(other._endpoints, ReferenceEqualityComparer.Instance);

        public override bool Equals(object? obj) => Equals(obj as EndpointsKey);

        public override int GetHashCode() => _endpoints.Length == 0 ? 0 : HashCode.Combine(_endpoints.Length, _endpoints[0]);
    }
}

/// <summary>One making of a sidecar's outbound listeners. Owned by one caller.</summary>
internal sealed class OutboundBuild(Client client)
{
    private const string AnyAddress = "0.0.0.0";
    private const string Loopback = "127.0.0.1";

    private readonly Dictionary<(string Bind, int Port), OutboundEntry> _entries = [];
    private readonly Dictionary<string, HashSet<string>> _ofPods = new(StringComparer.Ordinal);

    public OutboundListeners.Result Run()
    {
        foreach (var egress in client.Scope.Egress)
        {
            var bindsToPort = BindsToPort(egress.Listener);
            var bind = egress.Listener?.Bind is { Length: > 0 } own ? own : bindsToPort ? Loopback : "";
            if (egress.Listener?.Port is { } port)
            {
                var listenerPort = new ServicePort(port.Name, (int)port.Number, PortProtocols.Parse(port.Protocol));
                foreach (var service in egress.Services) Add(egress, service, listenerPort, bind, bindsToPort);
                continue;
            }
            // Several pods at loopback addresses of one machine would be in each other's way: they have the HTTP proxy's listener alone.
            if (bindsToPort && bind == Loopback && client.Node.SharesLoopback) continue;
            // What the operator said of a port stands; the rest of the ports follow the services.
            foreach (var entry in _entries.Values) entry.IsLocked = true;
            foreach (var service in egress.Services)
                foreach (var servicePort in service.Ports)
                    if (bind.Length == 0 && service.IsHeadless && servicePort.Protocol.Listener() is ListenerProtocol.Tcp or ListenerProtocol.Auto) AddPods(egress, service, servicePort, bindsToPort);
                    else Add(egress, service, servicePort, bind, bindsToPort);
        }
        // TCP before HTTP, each in the order of their names, so that equal sets are equal.
        var listeners = _entries.Values
            .OrderBy(e => e.Protocol.IsHttp()).ThenBy(e => ListenerAssembly.NameOf(e.Bind, e.Port), StringComparer.Ordinal)
            .Select(e => ListenerAssembly.Get(client, e)).ToArray();
        return new(listeners, _ofPods);
    }

    private bool BindsToPort(IstioEgressListener? listener) =>
        client.Node.Interception == InterceptionMode.None
        || (listener != null && (listener.CaptureMode == CaptureMode.None || listener.Bind.StartsWith("unix://", StringComparison.Ordinal)));

    /// <summary>A headless TCP service is known by the addresses of its pods.</summary>
    private void AddPods(EgressScope egress, Service service, ServicePort port, bool bindsToPort)
    {
        var endpoints = client.EndpointsOf(service)?.All.Where(e => e.ServicePortName == port.Name).ToList() ?? [];
        if (service.Registry != RegistryKind.Kubernetes && endpoints.Count == 0 && service.Selector == null)
        {
            Add(egress, service, port, "", bindsToPort);
            return;
        }
        foreach (var endpoint in endpoints)
        {
            if (!System.Net.IPAddress.TryParse(endpoint.Address, out _)) continue;
            Add(egress, service, port, endpoint.Address, bindsToPort);
            if (!_ofPods.TryGetValue(endpoint.Address, out var names)) _ofPods[endpoint.Address] = names = new(StringComparer.Ordinal);
            names.Add(ListenerAssembly.NameOf(endpoint.Address, port.Port));
        }
    }

    private void Add(EgressScope egress, Service service, ServicePort port, string bind, bool bindsToPort)
    {
        if (service.Resolution == Resolution.Alias) return;
        var kind = port.Protocol == PortProtocol.HttpProxy ? ListenerProtocol.Http : port.Protocol.Listener();
        switch (kind)
        {
            case ListenerProtocol.Http:
                AddHttp(bind.Length > 0 ? bind : AnyAddress, port, bindsToPort);
                break;
            case ListenerProtocol.Tcp or ListenerProtocol.Auto:
                foreach (var (address, ranges) in Places(service, bind)) AddTcp(egress, service, port, address, ranges, bindsToPort, kind == ListenerProtocol.Auto);
                break;
        }
    }

    /// <summary>One listener for each address; ranges share the listener of all addresses.</summary>
    private static IEnumerable<(string Address, Names Ranges)> Places(Service service, string bind)
    {
        if (bind.Length > 0) return [(bind, Names.None)];
        if (service.Addresses.Count == 0) return [(AnyAddress, Names.None)];
        var single = service.Addresses.Where(a => !a.Contains('/')).Select(a => (a, Names.None));
        var ranges = service.Addresses.Where(a => a.Contains('/')).ToList();
        return ranges.Count == 0 ? single : single.Append((AnyAddress, new Names(ranges)));
    }

    private void AddHttp(string bind, ServicePort port, bool bindsToPort)
    {
        var onWildcard = bind == AnyAddress;
        if (_entries.TryGetValue((bind, port.Port), out var entry))
        {
            // HTTP services share the listener of their port; beside TCP, connections are told apart by looking at them.
            if (entry.IsLocked || !entry.Protocol.IsTcp() || IsServerFirst(entry.Protocol)) return;
            entry.Merge([Http(bind, port, onWildcard, port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
            entry.Protocol = PortProtocol.Unsupported;
            return;
        }
        var name = port.Port == 0 ? bind : port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        // On all addresses other traffic of the port goes through: the chain takes only what speaks HTTP.
        _entries[(bind, port.Port)] = new(bind, port.Port, bindsToPort, onWildcard ? PortProtocol.Unsupported : port.Protocol, [Http(bind, port, onWildcard, name)]);
    }

    private void AddTcp(EgressScope egress, Service service, ServicePort port, string bind, Names ranges, bool bindsToPort, bool detects)
    {
        var onWildcard = bind == AnyAddress;
        _entries.TryGetValue((bind, port.Port), out var entry);
        if (entry is { IsLocked: true }) return;
        List<ChainSpec> chains = [.. TcpChains.Build(client, egress, service, port, ranges, onWildcard)];
        if (detects && (entry == null || entry.Protocol.IsTcp()))
        {
            // A listener for one service has that service's routes alone.
            var name = onWildcard ? port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture) : Routes.VirtualHostDomains.WithPort(service.Hostname, port.Port);
            chains.Add(Http(bind, port, true, name));
        }
        if (entry == null)
        {
            _entries[(bind, port.Port)] = new(bind, port.Port, bindsToPort, detects ? PortProtocol.Unsupported : port.Protocol, chains);
            return;
        }
        if (entry.Protocol != port.Protocol && (IsServerFirst(entry.Protocol) || IsServerFirst(port.Protocol))) return;
        entry.Merge(chains);
        if (detects || entry.Protocol.IsHttp()) entry.Protocol = PortProtocol.Unsupported;
    }

    private static ChainSpec Http(string bind, ServicePort port, bool detects, string routeName) => new()
    {
        Http = new(ListenerClass.SidecarOutbound, "outbound_" + ListenerAssembly.NameOf(bind, port.Port), routeName, port.Protocol),
        DetectsHttp = detects,
    };

    /// <summary>Looking at the client's first bytes would make both sides wait.</summary>
    private static bool IsServerFirst(PortProtocol protocol) => protocol is PortProtocol.Mongo or PortProtocol.MySql;
}
