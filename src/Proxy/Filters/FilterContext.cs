using Envoy.Config.Core.V3;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters;

/// <summary>What a filter is compiled with. Used by the configuration thread.</summary>
/// <param name="Name">The filter's name in its chain: the key of its per-route configuration.</param>
/// <param name="StatPrefix">Begins the names of its statistics, dot included: that of its connection manager or its chain.</param>
/// <param name="Stats">Where it counts.</param>
internal sealed record FilterContext(string Name, string StatPrefix, StatsStore Stats)
{
    /// <summary>The proxy's own node.</summary>
    public Node Node { get; init; } = new();

    /// <summary>Which way the listener's traffic goes.</summary>
    public TrafficDirection Direction { get; init; }
}
