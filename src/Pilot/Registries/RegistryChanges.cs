using Lateen.Pilot.Model;

namespace Lateen.Pilot.Registries;

/// <summary>What one batch of changes did to the services and their endpoints. Owned by the batch.</summary>
internal sealed class RegistryChanges
{
    /// <summary>Services that appeared, changed or went, by host and namespace.</summary>
    public HashSet<(string Host, string Namespace)> Services { get; } = [];

    /// <summary>New endpoints of services, null for none any more.</summary>
    public Dictionary<(string Host, string Namespace), ServiceEndpoints?> Endpoints { get; } = [];

    /// <summary>Workloads that changed in what their own proxies must know.</summary>
    public HashSet<(string Namespace, string Name)> Workloads { get; } = [];
}
