using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lateen.EmbeddedCluster.Dns;
using Lateen.Kubernetes.Informers;
using Lateen.Kubernetes.Models;

namespace Lateen.EmbeddedCluster.ServiceProxy;

/// <summary>Compiles services and endpoints into what names and packet rules need. Pure.</summary>
internal static class ServiceReader
{
    private const int DefaultAffinitySeconds = 10800;

    /// <summary>Every port of every service that has addresses.</summary>
    public static IReadOnlyList<ProxiedPort> ReadPorts(Informer services, Informer endpoints)
    {
        var ports = new List<ProxiedPort>();
        foreach (var service in services.Objects.Select(json => new Service(json)))
        {
            if (service.Type == "ExternalName" || service.IsHeadless) continue;
            var addresses = service.ClusterIps.Concat(service.ExternalIps).Concat(service.LoadBalancerAddresses).Select(ParseUsable).OfType<IPAddress>().Distinct().ToArray();
            if (addresses.Length == 0) continue;
            var known = endpoints.Get(service.Namespace, service.Name) is { } json ? new Endpoints(json).All.Where(endpoint => endpoint.Ready || service.PublishNotReadyAddresses).ToArray() : [];
            foreach (var port in service.Ports)
                ports.Add(new ProxiedPort
                {
                    Name = $"{service.Namespace}/{service.Name}:{(port.Name.Length > 0 ? port.Name : port.Port.ToString(CultureInfo.InvariantCulture))}",
                    Protocol = port.Protocol.ToLowerInvariant(),
                    Port = port.Port,
                    NodePort = port.NodePort,
                    Addresses = addresses,
                    AffinitySeconds = service.HasClientIpAffinity ? service.Spec["sessionAffinityConfig"]?["clientIP"]?["timeoutSeconds"]?.GetValue<int>() ?? DefaultAffinitySeconds : 0,
                    Endpoints = [.. known.Where(endpoint => endpoint.PortName == port.Name && endpoint.Protocol == port.Protocol)
                        .Select(endpoint => IPAddress.TryParse(endpoint.Address, out var address) ? new IPEndPoint(address, endpoint.Port) : null).OfType<IPEndPoint>().Distinct()],
                });
        }
        return ports;
    }

    /// <summary>Every service as names see it.</summary>
    public static IEnumerable<DnsService> ReadNames(Informer services, Informer endpoints)
    {
        foreach (var service in services.Objects.Select(json => new Service(json)))
        {
            var external = service.Type == "ExternalName" ? service.ExternalName : null;
            var addresses = external is null && !service.IsHeadless ? service.ClusterIps.Select(ParseUsable).OfType<IPAddress>().ToArray() : [];
            if (external is null && !service.IsHeadless && addresses.Length == 0) continue; // it gets its address in a moment
            var known = service.IsHeadless && endpoints.Get(service.Namespace, service.Name) is { } json ? new Endpoints(json).All : [];
            yield return new DnsService(
                service.Namespace, service.Name, addresses, external,
                [.. service.Ports.Select(port => new DnsPort(port.Name, port.Protocol.ToLowerInvariant(), port.Port))],
                [.. known.Where(endpoint => endpoint.Ready || service.PublishNotReadyAddresses)
                    .Select(endpoint => IPAddress.TryParse(endpoint.Address, out var address) ? new DnsEndpoint(address, endpoint.Hostname.Length > 0 ? endpoint.Hostname : null) : null)
                    .OfType<DnsEndpoint>().Distinct()]);
        }
    }

    // IPv4 alone; a load balancer's address on loopback is the machine's own, outside the node's network.
    private static IPAddress? ParseUsable(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address) ? address : null;
}
