using System.Globalization;
using System.Net;
using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Resolution = Lateen.Pilot.Model.Resolution;
using ServicePort = Lateen.Pilot.Model.ServicePort;

namespace Lateen.Pilot.Registries.ServiceEntries;

/// <summary>ServiceEntries and WorkloadEntries as services and endpoints (pilot/pkg/serviceregistry/serviceentry/conversion.go).</summary>
internal static class ServiceEntryConversion
{
    /// <summary>One service for each host.</summary>
    public static List<Service> Services(ConfigObject config, IReadOnlyCollection<string> defaultExportTo)
    {
        var entry = config.As<ServiceEntry>();
        ServicePort[] ports = [.. entry.Ports.Select(p => new ServicePort(
            p.Name, (int)p.Number, PortProtocols.Parse(p.Protocol), p.TargetPort == 0 ? "" : p.TargetPort.ToString(CultureInfo.InvariantCulture)))];
        var exportedTo = Visibility.Read(entry.ExportTo, config.Namespace, defaultExportTo);
        var selector = entry.WorkloadSelector is { Labels.Count: > 0 } s ? new Dictionary<string, string>(s.Labels) : null;
        return [.. entry.Hosts.Distinct().Select(host => new Service
        {
            Hostname = host.ToLowerInvariant(),
            Name = host.ToLowerInvariant(),
            Namespace = config.Namespace,
            Registry = RegistryKind.External,
            Ports = ports,
            Resolution = Convert(entry.Resolution),
            Addresses = [.. entry.Addresses.Select(TrimHostMask)],
            IsMeshExternal = entry.Location == ServiceEntry.Types.Location.MeshExternal,
            Created = config.CreationTimestamp ?? DateTimeOffset.MinValue,
            ExportedTo = exportedTo,
            Labels = config.Labels,
            Selector = selector,
            Source = $"ServiceEntry/{config.Namespace}/{config.Name}",
        })];
    }

    /// <summary>The endpoints that an entry itself names, for one of its hosts.</summary>
    public static IEnumerable<ServiceEndpoint> OwnEndpoints(ConfigObject config, Service service)
    {
        var entry = config.As<ServiceEntry>();
        if (service.Selector != null) yield break;
        var named = entry.Endpoints;
        if (named.Count == 0)
        {
            // A name without endpoints is resolved itself.
            if (service.Resolution is not (Resolution.Dns or Resolution.DnsRoundRobin)) yield break;
            foreach (var port in service.Ports)
                yield return new()
                {
                    Address = service.Hostname, Port = TargetPort(port), ServicePortName = port.Name,
                    Namespace = config.Namespace, WorkloadName = config.Name,
                };
            yield break;
        }
        for (var i = 0; i < named.Count; i++)
            foreach (var port in service.Ports)
                yield return Convert(named[i], port, config.Namespace, $"{config.Name}-{i}");
    }

    /// <summary>A workload that is not a pod, behind one port of a service.</summary>
    public static ServiceEndpoint Convert(WorkloadEntry entry, ServicePort port, string @namespace, string workload)
    {
        var socket = entry.Address.StartsWith("unix://", StringComparison.Ordinal);
        return new()
        {
            Address = entry.Address,
            Port = socket ? 0 : entry.Ports.TryGetValue(port.Name, out var own) && own > 0 ? (int)own : TargetPort(port),
            ServicePortName = port.Name,
            Labels = new Dictionary<string, string>(entry.Labels),
            Locality = Locality.Parse(entry.Locality),
            Weight = entry.Weight,
            Network = entry.Network,
            Namespace = @namespace,
            WorkloadName = workload,
            ServiceAccount = entry.ServiceAccount,
        };
    }

    /// <summary>A pod behind one port of a service.</summary>
    public static ServiceEndpoint Convert(Workload pod, ServicePort port) => new()
    {
        Address = pod.Address,
        Port = Kubernetes.KubernetesConversion.TargetPort(port, pod),
        ServicePortName = port.Name,
        Labels = pod.Labels,
        Locality = pod.Locality,
        Namespace = pod.Namespace,
        WorkloadName = pod.WorkloadName,
        ServiceAccount = pod.ServiceAccount,
        NodeName = pod.NodeName,
    };

    private static int TargetPort(ServicePort port) =>
        int.TryParse(port.TargetPort, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : port.Port;

    private static Resolution Convert(ServiceEntry.Types.Resolution resolution) => resolution switch
    {
        ServiceEntry.Types.Resolution.Static => Resolution.ClientSide,
        ServiceEntry.Types.Resolution.Dns => Resolution.Dns,
        ServiceEntry.Types.Resolution.DnsRoundRobin => Resolution.DnsRoundRobin,
        _ => Resolution.Passthrough,
    };

    /// <summary>A range of one address is that address.</summary>
    private static string TrimHostMask(string address)
    {
        if (!IPNetwork.TryParse(address, out var network)) return address;
        var bits = network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128;
        return network.PrefixLength == bits ? network.BaseAddress.ToString() : address;
    }
}
