using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Models;
using Microsoft.Extensions.Logging;

namespace Lateen.Kubernetes.Informers;

/// <summary>
/// Keeps a copy of all objects of a kind: lists once, then watches; lists again when the server says that its place in the
/// history is gone, and tells the differences only. Survives the server's absence with its copy whole. The events are
/// raised on one thread at a time; the copy is read by any thread.
/// </summary>
public sealed class Informer(
    KubeClient client, KubeResource resource, string? ns = null, string? labelSelector = null, string? fieldSelector = null, ILogger? log = null)
    : IAsyncDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<(string Namespace, string Name), JsonObject> _objects = new();
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    /// <summary>What is kept.</summary>
    public KubeResource Resource => resource;

    /// <summary>The first list is in.</summary>
    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    /// <summary>The objects now. They must not be changed.</summary>
    public ICollection<JsonObject> Objects => _objects.Values;

    /// <summary>An object appeared, changed (the previous state comes with it) or vanished.</summary>
    public event Action<InformerEvent>? Changed;

    /// <summary>
    /// A kind that the server does not have is not an error but an empty set, asked for again every ten seconds; so custom
    /// resources may be defined later.
    /// </summary>
    public bool MayBeAbsent { get; init; }

    /// <summary>One object, or null.</summary>
    public JsonObject? Get(string? objectNamespace, string name) => _objects.GetValueOrDefault((objectNamespace ?? "", name));

    /// <summary>Starts to list and watch.</summary>
    public Informer Start()
    {
        _run = Task.Run(RunAsync);
        return this;
    }

    /// <summary>Completes when the first list is in.</summary>
    public Task WaitForSyncAsync(CancellationToken cancel = default) => _synced.Task.WaitAsync(cancel);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var delay = FirstDelay;
        string? version = null;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                version ??= await ListAsync().ConfigureAwait(false);
                delay = FirstDelay;
                await foreach (var change in client.WatchAsync(resource, ns, version, labelSelector, fieldSelector, cancel: _stop.Token).ConfigureAwait(false))
                {
                    version = KubeObject.ResourceVersionOf(change.Object);
                    Apply(change);
                }
                continue;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (KubeException e) when (e.IsNotFound && MayBeAbsent)
            {
                version = null;
                Replace([]);
                delay = LongestDelay;
            }
            catch (KubeException e)
            {
                if (e.IsExpired || e.Code != 0) version = null;
                if (!e.IsExpired) log?.LogWarning("watching {Resource} failed, again in {Delay} ms: {Reason}", resource.Plural, (int)delay.TotalMilliseconds, e.Message);
            }
            catch (Exception e)
            {
                version = null;
                log?.LogError(e, "watching {Resource} failed", resource.Plural);
            }
            await Task.Delay(delay * (0.8 + 0.4 * Random.Shared.NextDouble()), _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    private async Task<string> ListAsync()
    {
        var list = await client.ListAsync(resource, ns, labelSelector, fieldSelector, _stop.Token).ConfigureAwait(false);
        Replace(list.Items);
        return list.ResourceVersion;
    }

    private void Replace(IReadOnlyList<JsonObject> items)
    {
        var kept = new HashSet<(string, string)>();
        foreach (var item in items)
        {
            kept.Add(KubeObject.KeyOf(item));
            Upsert(item);
        }
        foreach (var key in _objects.Keys)
            if (!kept.Contains(key) && _objects.TryRemove(key, out var gone))
                Raise(new InformerEvent(InformerEventType.Deleted, gone, gone));
        _synced.TrySetResult();
    }

    private void Apply(WatchEvent change)
    {
        switch (change.Type)
        {
            case WatchEventType.Deleted when _objects.TryRemove(KubeObject.KeyOf(change.Object), out var previous):
                Raise(new InformerEvent(InformerEventType.Deleted, change.Object, previous));
                break;
            case WatchEventType.Added or WatchEventType.Modified:
                Upsert(change.Object);
                break;
        }
    }

    private void Upsert(JsonObject item)
    {
        var key = KubeObject.KeyOf(item);
        _objects.TryGetValue(key, out var previous);
        if (previous is not null && KubeObject.ResourceVersionOf(previous) == KubeObject.ResourceVersionOf(item)) return;
        _objects[key] = item;
        Raise(new InformerEvent(previous is null ? InformerEventType.Added : InformerEventType.Updated, item, previous));
    }

    private void Raise(InformerEvent change)
    {
        try
        {
            Changed?.Invoke(change);
        }
        catch (Exception e)
        {
            log?.LogError(e, "a handler of {Resource} failed", resource.Plural);
        }
    }
}

/// <summary>What happened to an object of an informer.</summary>
public enum InformerEventType
{
    /// <summary>It is new.</summary>
    Added,

    /// <summary>It changed.</summary>
    Updated,

    /// <summary>It is gone.</summary>
    Deleted,
}

/// <summary>One change.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Object">The object now, or its last state.</param>
/// <param name="Previous">The object before; null when it is new.</param>
public sealed record InformerEvent(InformerEventType Type, JsonObject Object, JsonObject? Previous);
