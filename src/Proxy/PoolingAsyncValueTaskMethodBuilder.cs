using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Lateen.Proxy;

/// <summary>
/// Builds async methods whose suspended state lives in boxes that the thread takes back and hands out again. It stands in this
/// project for the runtime's type of the same name, which keeps one free box for each method and core: with many streams
/// suspended at once nearly every one would be allocated anew. Code built by it runs on one worker; no execution context flows.
/// </summary>
/// <typeparam name="TResult">What the method gives.</typeparam>
internal struct PoolingAsyncValueTaskMethodBuilder<TResult>
{
    private ValueTaskBox<TResult>? _box;
    private TResult _result;

    /// <summary>The task of the method; asked for once.</summary>
    public readonly ValueTask<TResult> Task => _box is { } box ? new ValueTask<TResult>(box, box.Version) : new ValueTask<TResult>(_result);

    internal readonly ValueTask TaskWithoutResult => _box is { } box ? new ValueTask(box, box.Version) : default;

    /// <summary>Called by compiled code.</summary>
    public static PoolingAsyncValueTaskMethodBuilder<TResult> Create() => default;

    /// <summary>Called by compiled code: runs to the first wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Called by compiled code; boxes know their state machine from the first wait on.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>Called by compiled code: the method is over.</summary>
    public void SetResult(TResult result)
    {
        if (_box is { } box) box.SetResult(result);
        else _result = result;
    }

    /// <summary>Called by compiled code: the method threw.</summary>
    public void SetException(Exception exception) => (_box ??= new ValueTaskBox<TResult>()).SetException(exception);

    /// <summary>Called by compiled code: the method waits.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(BoxOf(ref stateMachine));

    /// <summary>Called by compiled code: the method waits.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(BoxOf(ref stateMachine));

    private Action BoxOf<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is StateMachineBox<TStateMachine, TResult> known) return known.MoveNext;
        var box = StateMachineBox<TStateMachine, TResult>.Rent();
        // This builder is a field of the state machine: it must know its box before the state machine is copied into it.
        _box = box;
        box.StateMachine = stateMachine;
        return box.MoveNext;
    }
}

/// <summary>The same for methods without a result.</summary>
internal struct PoolingAsyncValueTaskMethodBuilder
{
    private PoolingAsyncValueTaskMethodBuilder<bool> _inner;

    /// <summary>The task of the method; asked for once.</summary>
    public readonly ValueTask Task => _inner.TaskWithoutResult;

    /// <summary>Called by compiled code.</summary>
    public static PoolingAsyncValueTaskMethodBuilder Create() => default;

    /// <summary>Called by compiled code: runs to the first wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Called by compiled code; boxes know their state machine from the first wait on.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>Called by compiled code: the method is over.</summary>
    public void SetResult() => _inner.SetResult(true);

    /// <summary>Called by compiled code: the method threw.</summary>
    public void SetException(Exception exception) => _inner.SetException(exception);

    /// <summary>Called by compiled code: the method waits.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>Called by compiled code: the method waits.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}

/// <summary>The result of one run of an async method. Owned by one worker.</summary>
internal class ValueTaskBox<TResult> : IValueTaskSource<TResult>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<TResult> _core;

    public short Version => _core.Version;

    public void SetResult(TResult result) => _core.SetResult(result);

    public void SetException(Exception exception) => _core.SetException(exception);

    public TResult GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Recycle();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

    /// <summary>The result was taken: nobody knows the box any more.</summary>
    protected virtual void Recycle()
    {
    }
}

/// <summary>A suspended async method, and the list of the thread's free ones of the same method. Owned by one worker.</summary>
internal sealed class StateMachineBox<TStateMachine, TResult> : ValueTaskBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    private const int MostKept = 8192;
    [ThreadStatic]
    private static StateMachineBox<TStateMachine, TResult>? _free;
    [ThreadStatic]
    private static int _kept;
    private StateMachineBox<TStateMachine, TResult>? _next;

    private StateMachineBox() => MoveNext = () => StateMachine!.MoveNext();

    public TStateMachine? StateMachine;

    /// <summary>Continues the method.</summary>
    public Action MoveNext { get; }

    public static StateMachineBox<TStateMachine, TResult> Rent()
    {
        if (_free is not { } box) return new StateMachineBox<TStateMachine, TResult>();
        _free = box._next;
        _kept--;
        box._next = null;
        return box;
    }

    protected override void Recycle()
    {
        StateMachine = default;
        if (_kept >= MostKept) return;
        _kept++;
        _next = _free;
        _free = this;
    }
}
