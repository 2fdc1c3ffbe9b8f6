using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Interop;

namespace Lateen.Proxy.Workers;

/// <summary>
/// One thread with one epoll loop. Everything that it owns (connections, pools, timers, buffers) is touched by this thread
/// only; others hand work in by <see cref="Post"/>. Continuations of its awaitables run inline in the loop.
/// </summary>
internal sealed class Worker : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly int _wakeUp;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Thread _thread;
    private readonly TimerWheel _timers;
    private readonly Action<Exception> _onFault;
    private IoSource?[] _sources = new IoSource?[256];
    private uint[] _generations = new uint[256];
    private readonly Stack<int> _freeSlots = new();
    private Queue<Action> _yielded = new();
    private Queue<Action> _running = new();
    private int _slotCount;
    private int _wakeUpPending;
    private volatile bool _stopping;

    /// <param name="index">Place among the workers of the process.</param>
    /// <param name="onFault">Told of exceptions that nothing else caught; the loop goes on.</param>
    public Worker(int index, Action<Exception> onFault)
    {
        (Index, _onFault) = (index, onFault);
        Now = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);
        _timers = new TimerWheel(Now);
        _wakeUp = Libc.EventFd(0, Libc.SockNonBlock | Libc.SockCloExec);
        if (_wakeUp < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "eventfd");
        _epoll.Add(_wakeUp, Libc.EpollIn, ulong.MaxValue);
        _thread = new Thread(Run) { Name = $"worker-{index}", IsBackground = true };
    }

    /// <summary>Place among the workers, from 0.</summary>
    public int Index { get; }

    /// <summary>Milliseconds of a monotonic clock, read once per turn of the loop.</summary>
    public long Now { get; private set; }

    /// <summary>Wall clock of this turn of the loop.</summary>
    public DateTime UtcNow { get; private set; } = DateTime.UtcNow;

    public BufferPool Buffers { get; } = new();

    public Random Random { get; init; } = new();

    /// <summary>Whether the calling thread is this worker's.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    public void Start() => _thread.Start();

    /// <summary>Runs an action on the worker. Any thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (Interlocked.Exchange(ref _wakeUpPending, 1) == 0) Wake();
    }

    /// <summary>Runs a function on the worker and gives its result to another thread.</summary>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                answer.SetResult(question());
            }
            catch (Exception e)
            {
                answer.SetException(e);
            }
        });
        return answer.Task;
    }

    /// <summary>Lets the other work of this turn go first; for loops that could go on for long.</summary>
    public YieldAwaitable Yield() => new(this);

    /// <summary>Starts a timer, or moves one that runs.</summary>
    public void StartTimer(WorkerTimer timer, long milliseconds) => _timers.Start(timer, Now + Math.Max(0, milliseconds));

    public void StopTimer(WorkerTimer timer) => _timers.Stop(timer);

    /// <summary>Watches a descriptor until <see cref="Unregister"/>.</summary>
    public void Register(IoSource source, int fd, int events)
    {
        var slot = _freeSlots.TryPop(out var free) ? free : _slotCount++;
        if (slot == _sources.Length)
        {
            Array.Resize(ref _sources, slot * 2);
            Array.Resize(ref _generations, slot * 2);
        }
        _sources[slot] = source;
        source.Slot = slot;
        _epoll.Add(fd, events, (ulong)_generations[slot] << 32 | (uint)slot);
    }

    /// <summary>Forgets a source; events of it that were fetched already are dropped. The caller closes the descriptor.</summary>
    public void Unregister(IoSource source)
    {
        var slot = source.Slot;
        if (slot < 0) return;
        source.Slot = -1;
        _sources[slot] = null;
        _generations[slot]++;
        _freeSlots.Push(slot);
    }

    /// <summary>Ends the loop after this turn and waits for it. Not from the worker itself.</summary>
    public void Dispose()
    {
        _stopping = true;
        Wake();
        if (_thread.IsAlive) _thread.Join();
        _ = Libc.Close(_wakeUp);
        _epoll.Dispose();
    }

    internal void Enqueue(Action continuation) => _yielded.Enqueue(continuation);

    private unsafe void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wakeUp, &one, sizeof(ulong));
    }

    private void Run()
    {
        while (!_stopping)
        {
            var wait = _yielded.Count > 0 || !_posted.IsEmpty ? 0 : _timers.UntilNext(Now);
            var count = _epoll.Wait(wait);
            Now = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);
            UtcNow = DateTime.UtcNow;
            for (var i = 0; i < count; i++) Dispatch(_epoll.Event(i));
            Guarded(static self => self._timers.Advance(self.Now));
            RunPosted();
            RunYielded();
        }
    }

    private unsafe void Dispatch((int Events, ulong Data) happened)
    {
        if (happened.Data == ulong.MaxValue)
        {
            ulong drained;
            _ = Libc.Read(_wakeUp, &drained, sizeof(ulong));
            return;
        }
        var slot = (int)(uint)happened.Data;
        if (_generations[slot] != (uint)(happened.Data >> 32)) return;
        try
        {
            _sources[slot]?.OnEvents(happened.Events);
        }
        catch (Exception e)
        {
            _onFault(e);
        }
    }

    private void RunPosted()
    {
        Volatile.Write(ref _wakeUpPending, 0);
        // No more than are there now: a post that posts again waits for the next turn.
        for (var left = _posted.Count; left > 0 && _posted.TryDequeue(out var action); left--) RunOne(action);
    }

    private void RunYielded()
    {
        (_running, _yielded) = (_yielded, _running);
        while (_running.TryDequeue(out var continuation)) RunOne(continuation);
    }

    private void RunOne(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _onFault(e);
        }
    }

    private void Guarded(Action<Worker> action)
    {
        try
        {
            action(this);
        }
        catch (Exception e)
        {
            _onFault(e);
        }
    }
}

/// <summary>Continues in the next turn of a worker's loop.</summary>
internal readonly struct YieldAwaitable(Worker worker) : INotifyCompletion
{
    public bool IsCompleted => false;

    public YieldAwaitable GetAwaiter() => this;

    public void OnCompleted(Action continuation) => worker.Enqueue(continuation);

    public void GetResult()
    {
    }
}
