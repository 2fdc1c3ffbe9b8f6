using Lateen.Pilot.Networking;

namespace Lateen.Pilot.Model;

/// <summary>The endpoints of one service, over all its ports. Immutable: a change makes a new object.</summary>
internal sealed class ServiceEndpoints(string hostname, string @namespace, IReadOnlyList<ServiceEndpoint> all)
{
    public string Hostname { get; } = hostname;
    public string Namespace { get; } = @namespace;
    public IReadOnlyList<ServiceEndpoint> All { get; } = all;

    /// <summary>What was generated from these endpoints, kept as long as they live. Any thread.</summary>
    public GeneratedCache Generated { get; } = new();

    public bool SameAs(ServiceEndpoints other)
    {
        if (All.Count != other.All.Count) return false;
        for (var i = 0; i < All.Count; i++)
            if (!All[i].SameAs(other.All[i])) return false;
        return true;
    }
}
