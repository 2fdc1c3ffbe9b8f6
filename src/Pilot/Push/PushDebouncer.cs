namespace Lateen.Pilot.Push;

/// <summary>Changes that are applied together, and when the first of them came.</summary>
internal sealed record ChangeBatch(IReadOnlyCollection<StateChange> Changes, DateTimeOffset Since);

/// <summary>
/// Gathers changes until none has come for a quiet period, or the first has waited for the longest delay; then applies them
/// as one batch. While a batch is applied the next one gathers. Any thread.
/// </summary>
internal sealed class PushDebouncer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _quiet;
    private readonly TimeSpan _longest;
    private readonly Func<ChangeBatch, Task> _apply;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Dictionary<(string, string, string), StateChange> _pending = [];
    private DateTimeOffset _first;
    private DateTimeOffset _last;
    private bool _armed;
    private bool _applying;
    private bool _disposed;

    public PushDebouncer(TimeProvider time, TimeSpan quiet, TimeSpan longest, Func<ChangeBatch, Task> apply)
    {
        (_time, _quiet, _longest, _apply) = (time, quiet, longest, apply);
        _timer = time.CreateTimer(static state => ((PushDebouncer)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(StateChange change)
    {
        lock (_gate)
        {
            _last = _time.GetUtcNow();
            if (_pending.Count == 0) _first = _last;
            _pending[change.Key] = change;
            Arm_NeedsLock();
        }
    }

    /// <summary>Takes what has gathered at once, for the first batch after all sources have reported.</summary>
    public Task FlushAsync()
    {
        lock (_gate)
        {
            if (_applying) return Task.CompletedTask;
            return Start_NeedsLock();
        }
    }

    public void Dispose()
    {
        lock (_gate) _disposed = true;
        _timer.Dispose();
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            _armed = false;
            if (_applying || _pending.Count == 0 || _disposed) return;
            if (Due_NeedsLock() > TimeSpan.Zero) Arm_NeedsLock();
            else _ = Start_NeedsLock();
        }
    }

    private TimeSpan Due_NeedsLock()
    {
        var now = _time.GetUtcNow();
        var quiet = _last + _quiet - now;
        var longest = _first + _longest - now;
        return quiet < longest ? quiet : longest;
    }

    private void Arm_NeedsLock()
    {
        if (_armed || _applying || _disposed) return;
        _armed = true;
        var due = Due_NeedsLock();
        _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private Task Start_NeedsLock()
    {
        _applying = true;
        var batch = new ChangeBatch(_pending.Values, _first);
        _pending = [];
        return Task.Run(() => ApplyAsync(batch));
    }

    private async Task ApplyAsync(ChangeBatch batch)
    {
        try
        {
            await _apply(batch).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _applying = false;
                if (_pending.Count > 0) Arm_NeedsLock();
            }
        }
    }
}
