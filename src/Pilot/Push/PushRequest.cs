using System.Collections.Immutable;

namespace Lateen.Pilot.Push;

/// <summary>What has changed since a proxy was last served, and the snapshot that has it. Immutable.</summary>
internal sealed record PushRequest
{
    public required PushSnapshot Snapshot { get; init; }

    /// <summary>False when nothing but endpoints changed: then only EDS can differ.</summary>
    public bool IsFull { get; init; }

    /// <summary>Everything that changed, endpoints of services among it.</summary>
    public ImmutableHashSet<ConfigKey> Changed { get; init; } = [];

    /// <summary>When the first of the changes was seen, by the clock of the server's <see cref="TimeProvider"/>.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>One request for two: the newer snapshot, all changes, the earlier time.</summary>
    public PushRequest MergeWith(PushRequest newer) => new()
    {
        Snapshot = newer.Snapshot.Number >= Snapshot.Number ? newer.Snapshot : Snapshot,
        IsFull = IsFull || newer.IsFull,
        Changed = Changed.Count >= newer.Changed.Count ? Changed.Union(newer.Changed) : newer.Changed.Union(Changed),
        Since = Since <= newer.Since ? Since : newer.Since,
    };
}
