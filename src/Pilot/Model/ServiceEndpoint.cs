namespace Lateen.Pilot.Model;

internal enum EndpointHealth { Healthy, Unhealthy, Draining, Terminating }

/// <summary>One address and port behind a service. Immutable.</summary>
internal sealed record ServiceEndpoint
{
    /// <summary>An IP address, a host name (for services resolved by DNS) or a socket's path.</summary>
    public required string Address { get; init; }

    /// <summary>The port of the workload; 0 for a socket.</summary>
    public required int Port { get; init; }

    /// <summary>The name of the service's port that this one serves.</summary>
    public required string ServicePortName { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = Model.Labels.None;
    public Locality Locality { get; init; } = Locality.None;

    /// <summary>Share of the traffic; 0 is the default, 1.</summary>
    public uint Weight { get; init; }

    public EndpointHealth Health { get; init; }
    public string Network { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string WorkloadName { get; init; } = "";
    public string ServiceAccount { get; init; } = "";
    public string NodeName { get; init; } = "";

    public bool IsSocket => Address.StartsWith("unix://", StringComparison.Ordinal);

    /// <summary>Equality of everything that reaches a proxy.</summary>
    public bool SameAs(ServiceEndpoint other) =>
        Address == other.Address && Port == other.Port && ServicePortName == other.ServicePortName && Weight == other.Weight
        && Health == other.Health && Locality == other.Locality && Network == other.Network && Namespace == other.Namespace
        && WorkloadName == other.WorkloadName && ServiceAccount == other.ServiceAccount && NodeName == other.NodeName
        && Model.Labels.Equal(Labels, other.Labels);
}
