using System.Globalization;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking;

/// <summary>Names of clusters in statistics, which the mesh may give a pattern (outboundClusterStatName, inboundClusterStatName).</summary>
internal static class StatNames
{
    public static string Outbound(MeshSettings mesh, string cluster, Service service, ServicePort port, string subset) =>
        mesh.Config.OutboundClusterStatName is { Length: > 0 } pattern ? Expand(pattern, service, port, subset, port.Port) : cluster;

    public static string Inbound(MeshSettings mesh, string cluster, Service service, ServicePort port, int targetPort) =>
        mesh.Config.InboundClusterStatName is { Length: > 0 } pattern ? Expand(pattern, service, port, "", targetPort) : cluster;

    private static string Expand(string pattern, Service service, ServicePort port, string subset, int targetPort) => pattern
        .Replace("%SERVICE_FQDN%", service.Hostname, StringComparison.Ordinal)
        .Replace("%SERVICE_NAME%", service.Name, StringComparison.Ordinal)
        .Replace("%SERVICE%", service.Registry == RegistryKind.Kubernetes ? $"{service.Name}.{service.Namespace}" : service.Hostname, StringComparison.Ordinal)
        .Replace("%SERVICE_PORT_NAME%", port.Name, StringComparison.Ordinal)
        .Replace("%SERVICE_PORT%", port.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("%SUBSET_NAME%", subset, StringComparison.Ordinal)
        .Replace("%TARGET_PORT%", targetPort.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
