using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Filters;

/// <summary>What one filter is told for a route. Immutable.</summary>
/// <param name="Config">Compiled by the filter's own code; null when the filter is only switched.</param>
/// <param name="Disabled">The filter does not see requests of the route; when false it does, even if its chain has it disabled.</param>
/// <param name="Wider">What the next wider level says: that of a route for a weighted cluster, of a virtual host for a route.</param>
internal sealed record RouteFilterConfig(object? Config, bool Disabled, RouteFilterConfig? Wider);

/// <summary>
/// The typed_per_filter_config of a route and of all levels around it, by the filter's name; the most specific level wins. Immutable.
/// Source: envoy.config.route.v3, typed_per_filter_config and FilterConfig.
/// </summary>
internal sealed class RouteFilters
{
    public static readonly RouteFilters None = new([]);
    private readonly Dictionary<string, RouteFilterConfig> _configs;

    private RouteFilters(Dictionary<string, RouteFilterConfig> configs) => _configs = configs;

    /// <summary>What a filter is told, or null.</summary>
    public RouteFilterConfig? Find(string filter) => _configs.Count == 0 ? null : _configs.GetValueOrDefault(filter);

    /// <summary>Adds a narrower level to this one.</summary>
    public RouteFilters With(IReadOnlyDictionary<string, Any> level, string path)
    {
        if (level.Count == 0) return this;
        var all = new Dictionary<string, RouteFilterConfig>(_configs, StringComparer.Ordinal);
        foreach (var (name, any) in level)
        {
            var at = $"{path}{(path.Length > 0 ? "." : "")}typed_per_filter_config[{name}]";
            var wider = _configs.GetValueOrDefault(name);
            if (!any.Is(FilterConfig.Descriptor)) all[name] = new RouteFilterConfig(FilterCatalog.CompileForRoute(any, false, at), false, wider);
            else if (any.Read<FilterConfig>() is var wrapped && wrapped.Disabled) all[name] = new RouteFilterConfig(null, true, wider);
            else if (wrapped.Config is null) throw new ConfigRefusedException(at + ".config", "is missing");
            // An empty configuration only switches the filter on.
            else if (wrapped.Config.TypeUrl.Length == 0) all[name] = new RouteFilterConfig(null, false, wider);
            else all[name] = new RouteFilterConfig(FilterCatalog.CompileForRoute(wrapped.Config, wrapped.IsOptional, at + ".config"), false, wider);
        }
        return new RouteFilters(all);
    }
}
