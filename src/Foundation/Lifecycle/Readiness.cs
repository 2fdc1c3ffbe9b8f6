namespace Lateen.Foundation.Lifecycle;

/// <summary>
/// What a process still waits for before it may call itself ready: each part registers a token under a name and
/// completes it. Any thread.
/// </summary>
public sealed class Readiness
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _sealed;

    /// <summary>True once <see cref="Seal"/> was called and every token is complete.</summary>
    public bool IsReady => _ready.Task.IsCompleted;

    /// <summary>The names that are still awaited, sorted; for logs and for the body of a 503.</summary>
    public IReadOnlyList<string> Awaited
    {
        get
        {
            lock (_gate) return [.. _awaited.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Registers one thing to wait for. The returned action completes it; calling it again does nothing.</summary>
    public Action Await(string name)
    {
        lock (_gate) _awaited.Add(name);
        return () =>
        {
            lock (_gate)
            {
                _awaited.Remove(name);
                CompleteIfDone();
            }
        };
    }

    /// <summary>Says that all tokens are registered: from now on an empty set means ready.</summary>
    public void Seal()
    {
        lock (_gate)
        {
            _sealed = true;
            CompleteIfDone();
        }
    }

    /// <summary>Completes when the process is ready.</summary>
    public Task WaitAsync(CancellationToken cancel = default) => _ready.Task.WaitAsync(cancel);

    private void CompleteIfDone()
    {
        if (_sealed && _awaited.Count == 0) _ready.TrySetResult();
    }
}
