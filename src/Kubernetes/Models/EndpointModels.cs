using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Models;

/// <summary>core/v1 Endpoints.</summary>
public sealed class Endpoints(JsonObject json) : KubeObject(json)
{
    /// <summary>Every address with every port of its subset.</summary>
    public IEnumerable<ServiceEndpoint> All =>
        from subset in Items(Json["subsets"])
        from port in Items(subset["ports"])
        from address in Items(subset["addresses"]).Select(a => (Address: a, Ready: true)).Concat(Items(subset["notReadyAddresses"]).Select(a => (Address: a, Ready: false)))
        select new ServiceEndpoint(
            Text(address.Address, "ip"), Number(port, "port") ?? 0, Text(port, "name"), Text(port, "protocol") is { Length: > 0 } p ? p : "TCP", address.Ready, address.Ready, false,
            Text(address.Address, "hostname"), Text(address.Address, "nodeName"), "", TargetPod(address.Address));

    internal static (string Namespace, string Name)? TargetPod(JsonObject address) =>
        address["targetRef"] is JsonObject target && Text(target, "kind") == "Pod" ? (Text(target, "namespace"), Text(target, "name")) : null;
}

/// <summary>discovery.k8s.io/v1 EndpointSlice.</summary>
public sealed class EndpointSlice(JsonObject json) : KubeObject(json)
{
    /// <summary>The service that it belongs to (label kubernetes.io/service-name); empty without one.</summary>
    public string ServiceName => Labels.GetValueOrDefault("kubernetes.io/service-name", "");

    /// <summary>IPv4, IPv6 or FQDN.</summary>
    public string AddressType => Text(Json, "addressType");

    /// <summary>Every address with every port.</summary>
    public IEnumerable<ServiceEndpoint> All =>
        from endpoint in Items(Json["endpoints"])
        let conditions = endpoint["conditions"] as JsonObject ?? []
        let ready = (bool?)conditions["ready"] ?? true
        from address in Texts(endpoint["addresses"])
        from port in Items(Json["ports"])
        select new ServiceEndpoint(
            address, Number(port, "port") ?? 0, Text(port, "name"), Text(port, "protocol") is { Length: > 0 } p ? p : "TCP", ready, (bool?)conditions["serving"] ?? ready,
            (bool?)conditions["terminating"] ?? false, Text(endpoint, "hostname"), Text(endpoint, "nodeName"), Text(endpoint, "zone"), Endpoints.TargetPod(endpoint));
}

/// <summary>One address and port that serves a port of a service.</summary>
/// <param name="Address">IP address, or a name for slices of type FQDN.</param>
/// <param name="Port">Number of the port; 0 when the slice leaves it open.</param>
/// <param name="PortName">Name of the service's port.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Ready">May be given new requests.</param>
/// <param name="Serving">Answers, though it may be terminating.</param>
/// <param name="Terminating">Is about to stop.</param>
/// <param name="Hostname">Name below a headless service, or empty.</param>
/// <param name="NodeName">Node that it is on, or empty.</param>
/// <param name="Zone">Zone that it is in, or empty.</param>
/// <param name="Pod">The pod behind it, or null.</param>
public sealed record ServiceEndpoint(
    string Address, int Port, string PortName, string Protocol, bool Ready, bool Serving, bool Terminating, string Hostname, string NodeName, string Zone,
    (string Namespace, string Name)? Pod);
