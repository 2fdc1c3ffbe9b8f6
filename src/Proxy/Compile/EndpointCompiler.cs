using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Compile;

/// <summary>ClusterLoadAssignment → endpoints. Pure; what is not supported is refused with its path.</summary>
internal static class EndpointCompiler
{
    public static IReadOnlyList<EndpointConfig> Compile(ClusterLoadAssignment assignment, string path)
    {
        var prefix = path.Length > 0 ? path + "." : "";
        var policy = Policy(assignment.Policy, prefix + "policy");
        var endpoints = new List<EndpointConfig>(assignment.Endpoints.Sum(locality => locality.LbEndpoints.Count));
        for (var l = 0; l < assignment.Endpoints.Count; l++)
        {
            var locality = assignment.Endpoints[l];
            if (locality.LedsClusterLocalityConfig is not null) throw new ConfigRefusedException($"{prefix}endpoints[{l}].leds_cluster_locality_config", "is not supported");
            if (locality.Priority > 128) throw new ConfigRefusedException($"{prefix}endpoints[{l}].priority", "is more than 128");
#pragma warning disable CS0612 // The older field is still sent.
            var members = locality.LbEndpoints.Count == 0 && locality.LoadBalancerEndpoints is { } list ? list.LbEndpoints : locality.LbEndpoints;
#pragma warning restore CS0612
            for (var e = 0; e < members.Count; e++) endpoints.Add(Compile(members[e], locality, assignment, policy, $"{prefix}endpoints[{l}].lb_endpoints[{e}]"));
        }
        return endpoints;
    }

    public static EndpointHealth Health(HealthStatus status) => status switch
    {
        HealthStatus.Unhealthy => EndpointHealth.Unhealthy,
        HealthStatus.Draining => EndpointHealth.Draining,
        HealthStatus.Timeout => EndpointHealth.Timeout,
        HealthStatus.Degraded => EndpointHealth.Degraded,
        _ => EndpointHealth.Healthy,
    };

    private static EndpointConfig Compile(LbEndpoint source, LocalityLbEndpoints locality, ClusterLoadAssignment assignment, AssignmentPolicy policy, string path)
    {
        var endpoint = source.HostIdentifierCase == LbEndpoint.HostIdentifierOneofCase.EndpointName
            ? assignment.NamedEndpoints.TryGetValue(source.EndpointName, out var named) ? named : throw new ConfigRefusedException(path + ".endpoint_name", $"no endpoint is named {source.EndpointName}")
            : source.Endpoint;
        var address = endpoint?.Address ?? throw new ConfigRefusedException(path + ".endpoint.address", "is missing");
        var (host, port, pipe) = address.AddressCase switch
        {
            Address.AddressOneofCase.SocketAddress => (address.SocketAddress.Address, (int)address.SocketAddress.PortValue, (string?)null),
            Address.AddressOneofCase.Pipe => ("", 0, address.Pipe.Path),
            var other => throw new ConfigRefusedException(path + ".endpoint.address", $"{other} is not supported"),
        };
        return new EndpointConfig(host, port, pipe)
        {
            Hostname = endpoint.Hostname,
            Weight = (int)Math.Clamp(source.LoadBalancingWeight ?? 1, 1, int.MaxValue),
            Health = Health(source.HealthStatus),
            Region = locality.Locality?.Region ?? "",
            Zone = locality.Locality?.Zone ?? "",
            SubZone = locality.Locality?.SubZone ?? "",
            Priority = (int)locality.Priority,
            LocalityWeight = (int)Math.Min(locality.LoadBalancingWeight ?? 0, int.MaxValue),
            Labels = SubsetCompiler.Labels(source.Metadata),
            IstioWorkload = source.Metadata?.FilterMetadata.TryGetValue("istio", out var istio) == true && istio.Fields.TryGetValue("workload", out var workload) ? workload.StringValue : null,
            TransportLabels = SubsetCompiler.Labels(source.Metadata, "envoy.transport_socket_match"),
            Policy = policy,
            Check = Check(endpoint.HealthCheckConfig, path + ".endpoint.health_check_config"),
        };
    }

    private static EndpointCheck? Check(Endpoint.Types.HealthCheckConfig? check, string path) => check is null ? null : new EndpointCheck(
        check.Address is null ? default : Addresses.Of(check.Address, path + ".address"),
        check.PortValue > 65535 ? throw new ConfigRefusedException(path + ".port_value", "is no port") : (int)check.PortValue, check.Hostname, check.DisableActiveHealthCheck);

    private static AssignmentPolicy Policy(ClusterLoadAssignment.Types.Policy? policy, string path)
    {
        if (policy is null) return AssignmentPolicy.Usual;
        if (policy.DropOverloads.Count > 0) throw new ConfigRefusedException(path + ".drop_overloads", "is not supported");
        if (policy.EndpointStaleAfter is not null) throw new ConfigRefusedException(path + ".endpoint_stale_after", "is not supported");
        if (policy.OverprovisioningFactor == 0) throw new ConfigRefusedException(path + ".overprovisioning_factor", "must be above 0");
        var factor = (int)Math.Min(policy.OverprovisioningFactor ?? 140, 1_000_000);
        return factor == 140 && !policy.WeightedPriorityHealth ? AssignmentPolicy.Usual : new AssignmentPolicy(factor, policy.WeightedPriorityHealth);
    }
}
