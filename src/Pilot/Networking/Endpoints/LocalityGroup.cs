using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Endpoints;

/// <summary>Endpoints of one locality and priority while an assignment is made. Owned by the one who makes it.</summary>
internal sealed class LocalityGroup(Locality locality, List<ServiceEndpoint> endpoints)
{
    public Locality Locality { get; } = locality;
    public List<ServiceEndpoint> Endpoints { get; } = endpoints;
    public uint Priority { get; set; }

    /// <summary>By default what the endpoints weigh together.</summary>
    public uint Weight { get; set; } = endpoints.Aggregate(0u, static (sum, e) => sum + Math.Max(1, e.Weight));
}
