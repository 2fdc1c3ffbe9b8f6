using System.Collections.Immutable;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Lateen.Pilot.Registries.Kubernetes;

namespace Lateen.Pilot.Networking;

/// <summary>A port of a service that a workload serves, and the workload's own port for it. Immutable.</summary>
internal sealed record ServiceTarget(Service Service, ServicePort Port, int TargetPort);

/// <summary>The services that a proxy's workload is part of. Immutable; equal by value.</summary>
internal sealed class ServiceTargets(ImmutableArray<ServiceTarget> all) : IEquatable<ServiceTargets>
{
    public ImmutableArray<ServiceTarget> All { get; } = all;

    /// <summary>
    /// By selectors over the workload's labels, whether or not it is ready yet, since it must be reachable to become ready;
    /// services without selector by their endpoints (pilot/pkg/serviceregistry/kube/controller#GetProxyServiceTargets).
    /// </summary>
    public static ServiceTargets Of(ProxyNode node, PushSnapshot snapshot)
    {
        var workload = node.Addresses.Select(a => snapshot.Workloads.GetValueOrDefault(a)).FirstOrDefault(w => w != null);
        var labels = workload?.Labels ?? node.Labels;
        var @namespace = workload?.Namespace ?? node.Namespace;
        var found = ImmutableArray.CreateBuilder<ServiceTarget>();
        foreach (var service in snapshot.Services.InNamespace(@namespace))
            if (service.Selector != null && Labels.Covers(service.Selector, labels)) AddSelected(service, workload, found);
        foreach (var address in node.Addresses)
            foreach (var owner in snapshot.Endpoints.AtAddress(address))
                if (snapshot.Services.Find(owner.Service.Hostname, owner.Service.Namespace) is { Selector: null } service
                    && service.Ports.FirstOrDefault(p => p.Name == owner.Endpoint.ServicePortName) is { } port)
                    Add(found, new(service, port, owner.Endpoint.Port));
        return new(found.ToImmutable());
    }

    public bool Equals(ServiceTargets? other) => other != null && All.AsSpan().SequenceEqual(other.All.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as ServiceTargets);

    public override int GetHashCode() => All.Length == 0 ? 0 : HashCode.Combine(All.Length, All[0]);

    private static void AddSelected(Service service, Workload? workload, ImmutableArray<ServiceTarget>.Builder found)
    {
        foreach (var port in service.Ports)
            if (KubernetesConversion.TargetPort(port, workload) is > 0 and var target) Add(found, new(service, port, target));
    }

    private static void Add(ImmutableArray<ServiceTarget>.Builder found, ServiceTarget target)
    {
        if (target.Port.Protocol != PortProtocol.Udp && target.TargetPort > 0 && !found.Contains(target)) found.Add(target);
    }
}
