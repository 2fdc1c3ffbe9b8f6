using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>
/// Brings one aspect of the cluster from what it is to what its objects ask for. Called by its own loop, one key at a time; it
/// reads committed state only, so what it wrote before it sees.
/// </summary>
internal abstract class Controller(ClusterClient client, EventRecorder events)
{
    protected ClusterClient Client { get; } = client;

    protected EventRecorder Events { get; } = events;

    /// <summary>Storage names of the kinds whose changes matter.</summary>
    public abstract IReadOnlyList<string> Watched { get; }

    /// <summary>Which keys a change concerns.</summary>
    public abstract IEnumerable<ObjectKey> Affected(StoredChange change);

    /// <summary>Does the work for a key.</summary>
    /// <returns>When to look again, null for not before the next change.</returns>
    public abstract Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel);
}
