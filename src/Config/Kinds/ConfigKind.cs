using Google.Protobuf.Reflection;

namespace Lateen.Config.Kinds;

/// <summary>Which Istio has a kind: 1.1, today's, or both. Immutable.</summary>
[Flags]
public enum KindAges
{
    /// <summary>A kind of Istio 1.1.</summary>
    Original = 1,

    /// <summary>A kind of today's Istio.</summary>
    Today = 2,

    /// <summary>A kind of both.</summary>
    Both = Original | Today,
}

/// <summary>What the control plane does with objects of a kind.</summary>
public enum KindRole
{
    /// <summary>Read into its message and validated.</summary>
    Judged,

    /// <summary>Kept as a tree: Mixer's adapters and templates, whose schema is itself configuration.</summary>
    Opaque,

    /// <summary>Belongs to another project (Gateway API): recognised, never judged here.</summary>
    Foreign,
}

/// <summary>
/// One kind of configuration resource. All its versions have one message, so that an object of any version means the
/// same. Immutable.
/// </summary>
public sealed class ConfigKind
{
    private readonly Func<MessageDescriptor> _message;

    internal ConfigKind(string group, string kind, string plural, string versions, KindAges ages, Func<MessageDescriptor> message)
    {
        (Group, Kind, Plural, Ages, _message) = (group, kind, plural, ages, message);
        Versions = versions.Split(' ');
        StorageVersion = Versions[0];
    }

    /// <summary>API group, such as <c>networking.istio.io</c>.</summary>
    public string Group { get; }

    /// <summary>Kind, such as <c>VirtualService</c>.</summary>
    public string Kind { get; }

    /// <summary>Lower-case plural of the REST path.</summary>
    public string Plural { get; }

    /// <summary>Served versions, the stored one first.</summary>
    public IReadOnlyList<string> Versions { get; }

    /// <summary>The version in which objects are stored, and in which they are watched.</summary>
    public string StorageVersion { get; }

    /// <summary>False for the cluster-wide kinds of 1.1.</summary>
    public bool Namespaced { get; internal init; } = true;

    /// <summary>Which Istio has it.</summary>
    public KindAges Ages { get; }

    /// <summary>What is done with it.</summary>
    public KindRole Role { get; internal init; }

    /// <summary>Short names for kubectl.</summary>
    public IReadOnlyList<string> ShortNames { get; internal init; } = [];

    /// <summary>The second category beside <c>istio-io</c>, such as <c>networking-istio-io</c>.</summary>
    public string Category { get; internal init; } = "";

    /// <summary>The message of <c>spec</c>; Struct for kinds that are not judged.</summary>
    public MessageDescriptor MessageDescriptor => _message();

    /// <summary><c>group/version</c> of the stored version.</summary>
    public string ApiVersion => $"{Group}/{StorageVersion}";

    /// <inheritdoc/>
    public override string ToString() => $"{Group}/{Kind}";
}
