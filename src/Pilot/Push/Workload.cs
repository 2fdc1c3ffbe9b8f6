using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>A pod, as far as the mesh needs it. Immutable.</summary>
internal sealed record Workload
{
    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public required string Address { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Model.Labels.None;
    public string ServiceAccount { get; init; } = "";
    public string NodeName { get; init; } = "";

    /// <summary>The Deployment or other controller that it belongs to.</summary>
    public string WorkloadName { get; init; } = "";
    public Locality Locality { get; init; } = Locality.None;

    /// <summary>Container ports by name, by which services name their target ports.</summary>
    public IReadOnlyDictionary<string, int> NamedPorts { get; init; } = new Dictionary<string, int>();

    /// <summary>Whether it runs and is not being deleted.</summary>
    public bool IsRunning { get; init; } = true;
    public bool IsReady { get; init; } = true;

    public bool SameAs(Workload other) =>
        Name == other.Name && Namespace == other.Namespace && Address == other.Address && ServiceAccount == other.ServiceAccount
        && NodeName == other.NodeName && WorkloadName == other.WorkloadName && Locality == other.Locality && IsRunning == other.IsRunning && IsReady == other.IsReady
        && Model.Labels.Equal(Labels, other.Labels) && NamedPorts.Count == other.NamedPorts.Count
        && NamedPorts.All(p => other.NamedPorts.TryGetValue(p.Key, out var port) && port == p.Value);
}
