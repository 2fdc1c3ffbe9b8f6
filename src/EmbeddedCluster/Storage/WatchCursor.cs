namespace Lateen.EmbeddedCluster.Storage;

/// <summary>A watcher's place in the changes of one kind. Owned by one watcher at a time.</summary>
public sealed class WatchCursor
{
    private readonly ObjectStore _store;
    private readonly ChangeChain _chain;
    private ChangeNode _place;
    private Task _grown;

    internal WatchCursor(ObjectStore store, ChangeChain chain, ChangeNode place, long revision)
    {
        _store = store;
        _chain = chain;
        _place = place;
        _grown = chain.Grown;
        Revision = revision;
    }

    /// <summary>Everything up to this revision has been handed out: a watch resumed from it misses nothing.</summary>
    public long Revision { get; private set; }

    /// <summary>The next change, or null when there is none yet.</summary>
    /// <exception cref="RevisionGoneException">The watcher fell so far behind that changes it has not seen are no longer kept.</exception>
    public StoredChange? Next()
    {
        var grown = _chain.Grown;
        var committed = _store.Revision;
        if (_place.Next is { } next)
        {
            if (next.Change!.Revision <= _store.Floor) throw new RevisionGoneException(Revision, _store.Floor);
            _place = next;
            Revision = next.Change.Revision;
            return next.Change;
        }
        _grown = grown;
        if (committed > Revision) Revision = committed;
        return null;
    }

    /// <summary>Completes when <see cref="Next"/> may have something, after it returned null.</summary>
    public Task WaitAsync(CancellationToken cancel) => _grown.WaitAsync(cancel);

    /// <summary>As <see cref="WaitAsync(CancellationToken)"/>, false when the time passed first.</summary>
    public async Task<bool> WaitAsync(TimeSpan time, CancellationToken cancel)
    {
        try
        {
            await _grown.WaitAsync(time, cancel).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}

/// <summary>A revision was asked for whose changes are no longer kept; answered as 410 Gone (Expired).</summary>
public sealed class RevisionGoneException(long revision, long floor)
    : Exception($"too old resource version: {revision} ({floor + 1})")
{
    /// <summary>The revision that was asked for.</summary>
    public long Revision { get; } = revision;
}

/// <summary>A revision was asked for that has not been reached; answered as 504 (ResourceVersionTooLarge).</summary>
public sealed class RevisionTooLargeException(long revision, long current)
    : Exception($"Too large resource version: {revision}, current: {current}");
