using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters;

/// <summary>What a filter is compiled with. Used by the configuration thread.</summary>
/// <param name="Name">The filter's name in its chain: the key of its per-route configuration.</param>
/// <param name="StatPrefix">Begins the names of its statistics, dot included: that of its connection manager or its chain.</param>
/// <param name="Stats">Where its statistics are kept.</param>
internal sealed record FilterContext(string Name, string StatPrefix, StatsStore Stats);
