using Envoy.Config.Core.V3;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Configurations of filters by name and origin, for the places that chains hold for them. Guarded by the lock of <see cref="ResourceState"/>.
/// </summary>
internal sealed class ExtensionResources
{
    private readonly Dictionary<string, TypedExtensionConfig> _configs = new(StringComparer.Ordinal);

    /// <summary>Gives a new place what came before it.</summary>
    /// <exception cref="ConfigRefusedException">What came does not fit the place.</exception>
    public void Fill(ExtensionSlot slot)
    {
        if (_configs.TryGetValue(slot.Origin.KeyOf(slot.Name), out var config)) slot.Set(config);
    }

    /// <exception cref="ConfigRefusedException">It cannot be honoured at one of its places; those before it stay as they were.</exception>
    public void Apply(TypedExtensionConfig config, string? file, IEnumerable<ExtensionSlot> slots)
    {
        var key = new ConfigOrigin(file, null, 0).KeyOf(config.Name);
        foreach (var slot in slots)
            if (slot.Origin.KeyOf(slot.Name) == key)
                slot.Set(config);
        _configs[key] = config;
    }

    /// <summary>The control plane has no configurations of these names.</summary>
    public void Without(IEnumerable<string> names, IReadOnlyCollection<ExtensionSlot> slots)
    {
        foreach (var name in names)
        {
            _configs.Remove(name);
            foreach (var slot in slots)
                if (slot.Name == name && slot.Origin.File is null)
                    slot.Clear();
        }
    }

    /// <summary>Forgets what nobody has a place for any more.</summary>
    public void KeepOnly(IEnumerable<ExtensionSlot> used)
    {
        var keys = used.Select(slot => slot.Origin.KeyOf(slot.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var unused in _configs.Keys.Where(key => !keys.Contains(key)).ToList()) _configs.Remove(unused);
    }
}
