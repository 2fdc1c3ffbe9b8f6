using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Models;

/// <summary>core/v1 Service.</summary>
public sealed class Service(JsonObject json) : KubeObject(json)
{
    /// <summary>spec.type; ClusterIP when absent.</summary>
    public string Type => Text(Spec, "type") is { Length: > 0 } type ? type : "ClusterIP";

    /// <summary>spec.clusterIP: an address, "None" for a headless service, or empty.</summary>
    public string ClusterIp => Text(Spec, "clusterIP");

    /// <summary>All of spec.clusterIPs.</summary>
    public IReadOnlyList<string> ClusterIps => Texts(Spec["clusterIPs"]) is { Count: > 0 } ips ? ips : ClusterIp.Length > 0 ? [ClusterIp] : [];

    /// <summary>There is no cluster address on purpose.</summary>
    public bool IsHeadless => ClusterIp == "None";

    /// <summary>spec.externalName.</summary>
    public string ExternalName => Text(Spec, "externalName");

    /// <summary>spec.externalIPs.</summary>
    public IReadOnlyList<string> ExternalIps => Texts(Spec["externalIPs"]);

    /// <summary>spec.selector; empty when endpoints are written by hand.</summary>
    public IReadOnlyDictionary<string, string> Selector => Map(Spec["selector"]);

    /// <summary>spec.sessionAffinity is ClientIP.</summary>
    public bool HasClientIpAffinity => Text(Spec, "sessionAffinity") == "ClientIP";

    /// <summary>spec.publishNotReadyAddresses.</summary>
    public bool PublishNotReadyAddresses => (bool?)Spec["publishNotReadyAddresses"] ?? false;

    /// <summary>spec.ports.</summary>
    public IReadOnlyList<ServicePort> Ports =>
    [
        .. Items(Spec["ports"]).Select(port => new ServicePort(
            Text(port, "name"), Number(port, "port") ?? 0, Text(port, "targetPort"), Text(port, "protocol") is { Length: > 0 } p ? p : "TCP",
            Text(port, "appProtocol"), Number(port, "nodePort") ?? 0)),
    ];

    /// <summary>Addresses of status.loadBalancer.ingress: ip or hostname.</summary>
    public IReadOnlyList<string> LoadBalancerAddresses =>
        [.. Items((Status["loadBalancer"] as JsonObject)?["ingress"]).Select(entry => Text(entry, "ip") is { Length: > 0 } ip ? ip : Text(entry, "hostname"))];
}

/// <summary>One port of a service.</summary>
/// <param name="Name">May be empty when the service has one port.</param>
/// <param name="Port">Port of the service's address.</param>
/// <param name="TargetPort">Number or container port name; empty means the same as <paramref name="Port"/>.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="AppProtocol">Application protocol, or empty.</param>
/// <param name="NodePort">Port of every node; 0 for none.</param>
public sealed record ServicePort(string Name, int Port, string TargetPort, string Protocol, string AppProtocol, int NodePort);
