using System.Collections.Frozen;
using Google.Protobuf;
using Lateen.Config.Kinds;

namespace Lateen.Config;

/// <summary>One configuration resource, read but not necessarily valid. Immutable: nobody may change <see cref="Spec"/>.</summary>
public sealed class ConfigObject
{
    private static readonly IReadOnlyDictionary<string, string> NoStrings = FrozenDictionary<string, string>.Empty;

    /// <summary>Its kind.</summary>
    public required ConfigKind Kind { get; init; }

    /// <summary><c>group/version</c> as the user wrote it: v1alpha3 objects are judged by the rules of 1.1.</summary>
    public required string ApiVersion { get; init; }

    /// <summary>Namespace; empty for cluster-wide kinds.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = NoStrings;

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = NoStrings;

    /// <summary>When it was created; the oldest object wins conflicts, as in Istio.</summary>
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>The version of the object in its source; opaque.</summary>
    public string ResourceVersion { get; init; } = "";

    /// <summary>Counts changes of the spec; 0 where the source does not count.</summary>
    public long Generation { get; init; }

    /// <summary>The message of <see cref="Kind"/>.</summary>
    public required IMessage Spec { get; init; }

    /// <summary>Where it came from, as errors name it: a file with its line, or the API server.</summary>
    public string Source { get; init; } = "";

    /// <summary>Maps that were written empty, which protobuf cannot tell from absent: some validators of Istio can.</summary>
    internal IReadOnlyCollection<string> EmptyMaps { get; init; } = [];

    /// <summary>The spec as its own type.</summary>
    /// <exception cref="InvalidCastException">The kind has another message.</exception>
    public T As<T>()
        where T : class, IMessage => (T)Spec;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind.Kind}/{Namespace}/{Name}";
}
