using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Storage;

/// <summary>Sizes of an <see cref="ObjectStore"/>.</summary>
public sealed record ObjectStoreOptions
{
    /// <summary>How many recent changes watchers may resume from.</summary>
    public int WindowChanges { get; init; } = 4000;

    /// <summary>At most this many bytes of objects in those changes.</summary>
    public long WindowBytes { get; init; } = 24 << 20;

    /// <summary>Forget replaced revisions after this many writes.</summary>
    public int CompactEvery { get; init; } = 2000;
}

/// <summary>How a write ended.</summary>
public enum WriteStatus
{
    /// <summary>Committed.</summary>
    Written,

    /// <summary>The object is there already.</summary>
    Exists,

    /// <summary>There is no such object.</summary>
    Missing,

    /// <summary>The object has another revision than the one expected.</summary>
    Stale,
}

/// <summary>Result of a write: the object as committed, when it was.</summary>
public readonly record struct WriteResult(WriteStatus Status, StoredObject? Object);

/// <summary>Objects of one kind at one revision, ordered by namespace and name.</summary>
public sealed record ObjectList(long Revision, IReadOnlyList<StoredObject> Items);

/// <summary>
/// Every object of the cluster: current state in memory, each write durable in SQLite before it is acknowledged or seen by any
/// reader. Writes that arrive together share one transaction. Any thread.
/// </summary>
public sealed class ObjectStore : IDisposable
{
    private sealed class ResourceState
    {
        public ImmutableSortedDictionary<ListPosition, StoredObject> Objects = ImmutableSortedDictionary<ListPosition, StoredObject>.Empty;
        public readonly ChangeChain Changes = new();
    }

    private sealed record PendingWrite(RevisionRow Row, TaskCompletionSource<WriteResult> Done);

    private readonly ObjectStoreOptions _options;
    private readonly RevisionLog _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceState> _resources = [];
    private readonly Dictionary<ObjectKey, StoredObject?> _uncommitted = [];
    private readonly Queue<(ChangeChain Chain, StoredChange Change)> _window = [];
    private readonly BlockingCollection<PendingWrite> _queue = [];
    private readonly Thread _writer;
    private long _windowBytes;
    private long _assigned;
    private long _committed;
    private long _floor;
    private long _compacted;

    private ObjectStore(string path, ObjectStoreOptions options)
    {
        _options = options;
        _log = new RevisionLog(path);
        Load();
        _writer = new Thread(WriteLoop) { Name = "store-writer", IsBackground = true };
        _writer.Start();
    }

    /// <summary>Opens the store in a folder, which is made when absent, and reads its state.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The file is damaged or used by another process.</exception>
    public static ObjectStore Open(string folder, ObjectStoreOptions? options = null)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "state.db");
        // Secrets are in it: the file is its owner's alone, and what SQLite puts beside it follows its mode.
        new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
        return new ObjectStore(path, options ?? new());
    }

    /// <summary>The newest committed revision; at least 1.</summary>
    public long Revision => Volatile.Read(ref _committed);

    /// <summary>Watching is possible from this revision on.</summary>
    public long Floor => Volatile.Read(ref _floor);

    /// <summary>Raised on the writer's thread when the log cannot be written; the write fails, and the state stays as committed.</summary>
    public event Action<Exception>? WriteFailed;

    /// <summary>Raised on the writer's thread for every committed change, in order; handlers must be quick and must not throw.</summary>
    public event Action<StoredChange>? Committed;

    /// <summary>The names of every kind that has objects, or had some.</summary>
    public IReadOnlyList<string> Resources()
    {
        lock (_gate) return [.. _resources.Keys];
    }

    /// <summary>The committed state of an object, null when there is none.</summary>
    public StoredObject? Get(ObjectKey key)
    {
        lock (_gate) return Current(key);
    }

    /// <summary>The state that the next write of the object will meet: as <see cref="Get"/>, but with writes under way.</summary>
    public StoredObject? GetLatest(ObjectKey key)
    {
        lock (_gate) return Latest(key);
    }

    /// <summary>The committed objects of a kind.</summary>
    /// <param name="resource">Storage name of the kind.</param>
    /// <param name="namespaceName">One namespace, or empty for all.</param>
    public ObjectList List(string resource, string namespaceName = "")
    {
        lock (_gate)
        {
            var objects = State(resource).Objects;
            if (namespaceName.Length == 0) return new ObjectList(_committed, [.. objects.Values]);
            return new ObjectList(_committed, [.. objects.Values.Where(stored => stored.Key.Namespace == namespaceName)]);
        }
    }

    /// <summary>The objects of a kind as they were at an earlier revision.</summary>
    /// <exception cref="RevisionGoneException">Changes since then are no longer kept.</exception>
    /// <exception cref="RevisionTooLargeException">The revision has not been reached.</exception>
    public ObjectList ListAt(string resource, string namespaceName, long revision)
    {
        lock (_gate)
        {
            CheckRevision(revision);
            var state = State(resource);
            var objects = state.Objects;
            var newer = new Stack<StoredChange>();
            for (var node = state.Changes.After(revision).Next; node is not null; node = node.Next) newer.Push(node.Change!);
            foreach (var change in newer)
            {
                var position = new ListPosition(change.Object.Key.Namespace, change.Object.Key.Name);
                objects = change.Previous is null ? objects.Remove(position) : objects.SetItem(position, change.Previous);
            }
            return new ObjectList(revision, [.. objects.Values.Where(stored => namespaceName.Length == 0 || stored.Key.Namespace == namespaceName)]);
        }
    }

    /// <summary>The changes of a kind after a revision.</summary>
    /// <exception cref="RevisionGoneException">Changes since then are no longer kept.</exception>
    /// <exception cref="RevisionTooLargeException">The revision has not been reached.</exception>
    public WatchCursor Watch(string resource, long revision)
    {
        lock (_gate)
        {
            CheckRevision(revision);
            var chain = State(resource).Changes;
            return new WatchCursor(this, chain, chain.After(revision), revision);
        }
    }

    /// <summary>The current objects of a kind and the changes that follow them.</summary>
    public (ObjectList List, WatchCursor Cursor) ListAndWatch(string resource, string namespaceName = "")
    {
        lock (_gate)
        {
            var list = List(resource, namespaceName);
            return (list, Watch(resource, list.Revision));
        }
    }

    /// <summary>Adds or replaces an object; returns when it is on disk.</summary>
    /// <param name="key">Which object.</param>
    /// <param name="value">New state, owned by the store from here on; its metadata.resourceVersion is set.</param>
    /// <param name="expected">Revision that it replaces, 0 when it must not exist.</param>
    public Task<WriteResult> PutAsync(ObjectKey key, JsonObject value, long expected) => EnqueueAsync(key, value, expected, false);

    /// <summary>Removes an object; returns when that is on disk.</summary>
    /// <param name="key">Which object.</param>
    /// <param name="last">The last state, as watchers shall see it.</param>
    /// <param name="expected">Revision that it must have.</param>
    public Task<WriteResult> RemoveAsync(ObjectKey key, JsonObject last, long expected) => EnqueueAsync(key, last, expected, true);

    /// <summary>Finishes the writes under way and closes the file.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _writer.Join();
        _log.Dispose();
        _queue.Dispose();
    }

    private Task<WriteResult> EnqueueAsync(ObjectKey key, JsonObject value, long expected, bool deleted)
    {
        lock (_gate)
        {
            var latest = Latest(key);
            if (latest is null && expected != 0) return Task.FromResult(new WriteResult(WriteStatus.Missing, null));
            if (latest is not null && expected == 0) return Task.FromResult(new WriteResult(WriteStatus.Exists, latest));
            if (latest is not null && latest.Revision != expected) return Task.FromResult(new WriteResult(WriteStatus.Stale, latest));
            var revision = ++_assigned;
            if (value["metadata"] is not JsonObject metadata) value["metadata"] = metadata = [];
            metadata["resourceVersion"] = revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var stored = new StoredObject(key, revision, JsonText.ToBytes(value));
            _uncommitted[key] = deleted ? null : stored;
            var pending = new PendingWrite(new RevisionRow(stored, deleted, latest?.Revision ?? 0),
                new TaskCompletionSource<WriteResult>(TaskCreationOptions.RunContinuationsAsynchronously));
            _queue.Add(pending);
            return pending.Done.Task;
        }
    }

    private void WriteLoop()
    {
        var batch = new List<PendingWrite>();
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < 512 && _queue.TryTake(out var more)) batch.Add(more);
            try
            {
                _log.Append([.. batch.Select(write => write.Row)]);
            }
            catch (Exception failure)
            {
                Abandon(batch, failure);
                continue;
            }
            Publish(batch);
            foreach (var write in batch) write.Done.SetResult(new WriteResult(WriteStatus.Written, write.Row.Object));
            CompactWhenDue();
        }
    }

    private void Publish(List<PendingWrite> batch)
    {
        var touched = new HashSet<ChangeChain>();
        var changes = new List<StoredChange>(batch.Count);
        lock (_gate)
        {
            foreach (var write in batch)
            {
                var (chain, change) = Apply(write.Row);
                touched.Add(chain);
                changes.Add(change);
                var key = write.Row.Object.Key;
                if (_uncommitted.TryGetValue(key, out var newest) && (newest is null ? write.Row.Deleted : newest == write.Row.Object))
                    _uncommitted.Remove(key);
            }
            Volatile.Write(ref _committed, batch[^1].Row.Object.Revision);
            Trim();
        }
        foreach (var chain in touched) chain.Announce();
        if (Committed is { } committed) foreach (var change in changes) committed(change);
    }

    private (ChangeChain Chain, StoredChange Change) Apply(RevisionRow row)
    {
        var key = row.Object.Key;
        var state = State(key.Resource);
        var position = new ListPosition(key.Namespace, key.Name);
        var previous = state.Objects.GetValueOrDefault(position);
        var type = row.Deleted ? ChangeType.Deleted : previous is null ? ChangeType.Added : ChangeType.Modified;
        state.Objects = row.Deleted ? state.Objects.Remove(position) : state.Objects.SetItem(position, row.Object);
        var change = new StoredChange(type, row.Object, previous);
        state.Changes.Append(change);
        _window.Enqueue((state.Changes, change));
        _windowBytes += row.Object.Length;
        return (state.Changes, change);
    }

    private void Trim()
    {
        while (_window.Count > _options.WindowChanges || (_windowBytes > _options.WindowBytes && _window.Count > 1))
        {
            var (chain, change) = _window.Dequeue();
            _windowBytes -= change.Object.Length;
            Volatile.Write(ref _floor, change.Revision);
            chain.DropOldest();
        }
    }

    /// <summary>The log refused the batch: nothing that builds on it may be written either.</summary>
    private void Abandon(List<PendingWrite> batch, Exception failure)
    {
        lock (_gate)
        {
            while (_queue.TryTake(out var more)) batch.Add(more);
            _uncommitted.Clear();
        }
        foreach (var write in batch) write.Done.SetException(new IOException("the cluster's state could not be written", failure));
        WriteFailed?.Invoke(failure);
    }

    private void CompactWhenDue()
    {
        var floor = Floor;
        if (floor - _compacted < _options.CompactEvery) return;
        try
        {
            _log.Compact(floor);
        }
        catch (Microsoft.Data.Sqlite.SqliteException failure)
        {
            WriteFailed?.Invoke(failure);
        }
        _compacted = floor;
    }

    private void Load()
    {
        _floor = _compacted = _log.ReadFloor();
        var newest = Math.Max(1, _floor);
        foreach (var row in _log.ReadAll())
        {
            // A row below the floor is the surviving state of its object, no longer an event.
            if (row.Object.Revision <= _floor) State(row.Object.Key.Resource).Objects = Restored(row);
            else Apply(row);
            newest = Math.Max(newest, row.Object.Revision);
        }
        _assigned = _committed = newest;
        Trim();
    }

    private ImmutableSortedDictionary<ListPosition, StoredObject> Restored(RevisionRow row)
    {
        var position = new ListPosition(row.Object.Key.Namespace, row.Object.Key.Name);
        var objects = State(row.Object.Key.Resource).Objects;
        return row.Deleted ? objects.Remove(position) : objects.SetItem(position, row.Object);
    }

    private void CheckRevision(long revision)
    {
        if (revision < _floor) throw new RevisionGoneException(revision, _floor);
        if (revision > _committed) throw new RevisionTooLargeException(revision, _committed);
    }

    private StoredObject? Latest(ObjectKey key) => _uncommitted.TryGetValue(key, out var stored) ? stored : Current(key);

    private StoredObject? Current(ObjectKey key) =>
        _resources.TryGetValue(key.Resource, out var state) ? state.Objects.GetValueOrDefault(new ListPosition(key.Namespace, key.Name)) : null;

    private ResourceState State(string resource)
    {
        if (!_resources.TryGetValue(resource, out var state)) _resources[resource] = state = new ResourceState();
        return state;
    }
}
