using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Http;

namespace Lateen.Proxy.Compile;

/// <summary>
/// The place of a filter whose configuration is discovered: its chain holds the place, and what stands there may change while it is in use.
/// Written by the configuration thread, read by workers. Source: envoy.config.core.v3.ExtensionConfigSource.
/// </summary>
internal sealed class ExtensionSlot : IDependency
{
    private readonly FilterContext _context;
    private readonly HashSet<string> _types;
    private readonly IHttpFilter? _default;
    private readonly bool _servesDefault;
    private volatile Holder? _current;

    /// <exception cref="ConfigRefusedException">The source is of a kind that is not supported, or the default cannot be honoured.</exception>
    public ExtensionSlot(ExtensionConfigSource source, FilterContext context, string path)
    {
        (Name, _context, _servesDefault) = (context.Name, context, source.ApplyDefaultConfigWithoutWarming);
        if (source.TypeUrls.Count == 0) throw new ConfigRefusedException(path + ".type_urls", "are missing");
        if (source.ApplyDefaultConfigWithoutWarming && source.DefaultConfig is null) throw new ConfigRefusedException(path + ".default_config", "is missing, though it is to be applied without warming");
        _types = source.TypeUrls.Select(Any.GetTypeName).ToHashSet(StringComparer.Ordinal);
        Origin = ConfigOrigin.Of(source.ConfigSource, path + ".config_source");
        if (source.DefaultConfig is { } config) _default = Compile(config, path + ".default_config");
    }

    /// <summary>Name of the resource, and of the filter.</summary>
    public string Name { get; }

    public ConfigOrigin Origin { get; }

    public bool IsThere => _current is not null || _servesDefault;

    public long PatienceMs => Origin.PatienceMs;

    /// <summary>What stands here now; null while there is nothing.</summary>
    public IHttpFilter? Current => _current is { } holder ? holder.Filter : _default;

    /// <summary>Takes a configuration over for the streams that begin from now on.</summary>
    /// <exception cref="ConfigRefusedException">It cannot be honoured; what stood here stays.</exception>
    public void Set(TypedExtensionConfig config) => _current = new Holder(Compile(config.TypedConfig ?? throw new ConfigRefusedException("typed_config", "is missing"), ""));

    /// <summary>The control plane has no such configuration (any more): the default takes its place, if there is one.</summary>
    public void Clear() => _current = new Holder(_default);

    private IHttpFilter? Compile(Any config, string path)
    {
        var type = TypedStructs.Find(config).Name ?? Any.GetTypeName(config.TypeUrl);
        if (!_types.Contains(type) && !_types.Contains(Any.GetTypeName(config.TypeUrl))) throw new ConfigRefusedException(path.Length > 0 ? path : "typed_config", $"{type} is none of the types that {Name} may have");
        return FilterCatalog.Compile(config, isOptional: false, path, _context);
    }

    /// <summary>What came, were it nothing. Immutable.</summary>
    private sealed record Holder(IHttpFilter? Filter);
}
