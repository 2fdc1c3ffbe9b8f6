using System.Globalization;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Service = Lateen.Pilot.Model.Service;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Registries.Kubernetes;

/// <summary>Kubernetes objects as the mesh sees them (pilot/pkg/serviceregistry/kube/conversion.go).</summary>
internal static class KubernetesConversion
{
    public static string Hostname(string name, string @namespace, string domain) => $"{name}.{@namespace}.svc.{domain}";

    public static Service Convert(Lateen.Kubernetes.Models.Service service, string domain, IReadOnlyCollection<string> defaultExportTo)
    {
        var external = service.Type == "ExternalName";
        var exportTo = service.Annotations.GetValueOrDefault("networking.istio.io/exportTo", "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new()
        {
            Hostname = Hostname(service.Name, service.Namespace, domain),
            Name = service.Name,
            Namespace = service.Namespace,
            Registry = RegistryKind.Kubernetes,
            Resolution = external ? Resolution.Alias : service.IsHeadless ? Resolution.Passthrough : Resolution.ClientSide,
            Addresses = external || service.IsHeadless ? [] : service.ClusterIps,
            Ports = [.. service.Ports.Select(p => new ServicePort(
                p.Name, p.Port, PortProtocols.FromKubernetes(p.Port, p.Name, p.Protocol, p.AppProtocol.Length > 0 ? p.AppProtocol : null), p.TargetPort))],
            IsMeshExternal = external,
            Created = service.CreationTimestamp,
            ExportedTo = Visibility.Read(exportTo, service.Namespace, defaultExportTo),
            Labels = service.Labels,
            Selector = service.Selector.Count > 0 ? service.Selector : null,
            AliasOf = external ? service.ExternalName.TrimEnd('.').ToLowerInvariant() : "",
            PublishesNotReady = service.PublishNotReadyAddresses,
            Source = $"Service/{service.Namespace}/{service.Name}",
        };
    }

    public static Workload Convert(Pod pod, Func<string, Locality> localityOfNode)
    {
        var labels = pod.Labels;
        var running = pod.Phase is "Running" or "Pending" or "" && !pod.IsDeleting;
        return new()
        {
            Name = pod.Name,
            Namespace = pod.Namespace,
            Address = pod.Ip,
            Labels = labels,
            ServiceAccount = pod.ServiceAccountName,
            NodeName = pod.NodeName,
            WorkloadName = WorkloadName(pod),
            Locality = labels.TryGetValue("istio-locality", out var label) ? Locality.Parse(label) : localityOfNode(pod.NodeName),
            NamedPorts = NamedPorts(pod),
            IsRunning = running,
            IsReady = running && pod.IsReady,
        };
    }

    public static Locality LocalityOf(Node node) =>
        new(node.Region, node.Zone, node.Labels.GetValueOrDefault("topology.istio.io/subzone", ""));

    /// <summary>The number of a target port on a workload; 0 when its name is not the name of a container's port.</summary>
    public static int TargetPort(ServicePort port, Workload? workload)
    {
        if (port.TargetPort.Length == 0) return port.Port;
        if (int.TryParse(port.TargetPort, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number == 0 ? port.Port : number;
        return workload?.NamedPorts.GetValueOrDefault(port.TargetPort) ?? 0;
    }

    private static Dictionary<string, int> NamedPorts(Pod pod)
    {
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var container in pod.Containers)
            foreach (var port in container.Ports)
                if (port.Name.Length > 0) ports.TryAdd(port.Name, port.Port);
        return ports;
    }

    /// <summary>The Deployment behind a pod's ReplicaSet, else the pod's controller, else the pod.</summary>
    private static string WorkloadName(Pod pod)
    {
        if (pod.Controller is not { } controller) return pod.Name;
        if (controller.Kind == "ReplicaSet" && pod.Labels.TryGetValue("pod-template-hash", out var hash)
            && controller.Name.EndsWith("-" + hash, StringComparison.Ordinal))
            return controller.Name[..^(hash.Length + 1)];
        return controller.Name;
    }
}
