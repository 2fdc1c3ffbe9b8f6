namespace Lateen.EmbeddedCluster.Storage;

/// <summary>One link of a <see cref="ChangeChain"/>. Any thread; only the chain's owner sets <see cref="Next"/>.</summary>
internal sealed class ChangeNode(StoredChange? change)
{
    private ChangeNode? _next;

    public StoredChange? Change { get; } = change;

    public ChangeNode? Next
    {
        get => Volatile.Read(ref _next);
        set => Volatile.Write(ref _next, value);
    }
}

/// <summary>
/// The recent changes of one kind, as a singly linked list: each watcher holds its own place, and what nobody can reach any
/// more is garbage. Appended under the store's lock, read by any thread.
/// </summary>
internal sealed class ChangeChain
{
    private ChangeNode _tail;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ChangeChain() => Head = _tail = new ChangeNode(null);

    /// <summary>The node before the oldest change that is kept.</summary>
    public ChangeNode Head { get; private set; }

    public void Append(StoredChange change)
    {
        var node = new ChangeNode(change);
        _tail.Next = node;
        _tail = node;
    }

    /// <summary>Wakes the watchers; called after the store's revision covers what was appended.</summary>
    public void Announce() => Interlocked.Exchange(ref _grown, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    public void DropOldest() => Head = Head.Next!;

    /// <summary>A task that completes at the next announcement; take it before looking at the chain.</summary>
    public Task Grown => Volatile.Read(ref _grown).Task;

    /// <summary>The place behind the last change whose revision is not above the given one.</summary>
    public ChangeNode After(long revision)
    {
        var node = Head;
        while (node.Next is { } next && next.Change!.Revision <= revision) node = next;
        return node;
    }
}
