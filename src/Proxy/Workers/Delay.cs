using System.Threading.Tasks.Sources;

namespace Lateen.Proxy.Workers;

/// <summary>A wait that a timer or a cancellation ends; reused. Owned by one worker.</summary>
internal sealed class Delay : WorkerTimer, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _waiting;

    public ValueTask WaitAsync(Worker worker, long milliseconds)
    {
        _core.Reset();
        _waiting = true;
        worker.StartTimer(this, milliseconds);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends the wait now.</summary>
    public void Cancel(Worker worker)
    {
        worker.StopTimer(this);
        Complete();
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    protected internal override void OnFired() => Complete();

    private void Complete()
    {
        if (!_waiting) return;
        _waiting = false;
        _core.SetResult(true);
    }
}

/// <summary>The one door from a worker to the thread pool and back, and from the pool to a worker.</summary>
internal static class PoolWork
{
    /// <summary>Runs a function on a worker for the pool; the caller continues on the pool. Never called on a worker.</summary>
    public static Task<T> RunOnAsync<T>(Worker worker, Func<ValueTask<T>> work, CancellationToken cancel)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Post(() => _ = AnswerAsync(work, answer));
        return answer.Task.WaitAsync(cancel);
    }

    private static async Task AnswerAsync<T>(Func<ValueTask<T>> work, TaskCompletionSource<T> answer)
    {
        try
        {
            answer.SetResult(await work());
        }
        catch (Exception e)
        {
            answer.SetException(e);
        }
    }

    /// <summary>Runs a function on the pool; the caller continues on its worker.</summary>
    public static ValueTask<T> RunAsync<T>(Worker worker, Func<Task<T>> work)
    {
        var back = new PoolResult<T>();
        _ = Task.Run(async () =>
        {
            try
            {
                var result = await work().ConfigureAwait(false);
                worker.Post(() => back.Complete(result));
            }
            catch (Exception e)
            {
                worker.Post(() => back.Fail(e));
            }
        });
        return back.Task;
    }

    private sealed class PoolResult<T> : IValueTaskSource<T>
    {
        private ManualResetValueTaskSourceCore<T> _core;

        public ValueTask<T> Task => new(this, _core.Version);

        public void Complete(T result) => _core.SetResult(result);

        public void Fail(Exception e) => _core.SetException(e);

        public T GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
