using System.Threading.Tasks.Sources;

namespace Lateen.Proxy.Workers;

/// <summary>One reusable wait that its owner ends; the continuation runs inline. Owned by one worker.</summary>
internal sealed class Signal : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _waiting;

    /// <summary>Waits until <see cref="Complete"/>, for what is given there. One wait at a time.</summary>
    public ValueTask<bool> Wait()
    {
        _core.Reset();
        _waiting = true;
        return new ValueTask<bool>(this, _core.Version);
    }

    /// <summary>False when nobody waits.</summary>
    public bool Complete(bool result)
    {
        if (!_waiting) return false;
        _waiting = false;
        _core.SetResult(result);
        return true;
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
