namespace Lateen.Config.Stores;

/// <summary>What happened to an object.</summary>
public enum ConfigChangeType
{
    /// <summary>It is new.</summary>
    Added,

    /// <summary>It has another content.</summary>
    Updated,

    /// <summary>It is gone.</summary>
    Deleted,
}

/// <summary>One change of a store. Immutable.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Object">The object as it is now, or as it was last.</param>
/// <param name="Previous">The object as it was before an update.</param>
public sealed record ConfigChange(ConfigChangeType Type, ConfigObject Object, ConfigObject? Previous = null);
