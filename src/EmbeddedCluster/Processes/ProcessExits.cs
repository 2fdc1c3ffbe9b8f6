using Lateen.Foundation.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lateen.EmbeddedCluster.Processes;

/// <summary>
/// Tells when processes end, children or not: a runtime that was restarted watches containers that its predecessor started.
/// Any thread; one thread of its own waits for all.
/// </summary>
public sealed class ProcessExits : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Watch> _added = [];
    private readonly SafeFileHandle _wake = ProcessHandles.CreateSignal();
    private volatile bool _stopped;

    /// <summary>Starts the waiting thread.</summary>
    public ProcessExits() => new Thread(WaitForAll) { IsBackground = true, Name = "process exits" }.Start();

    /// <summary>Completes when the process ends; at once when it has.</summary>
    public Task WhenExited(ProcessIdentity process)
    {
        // Opened before the identity is checked: the handle then belongs to the process checked, or to one that is not it.
        var handle = ProcessHandles.TryOpen(process.Pid);
        if (handle is null || !process.IsAlive)
        {
            handle?.Dispose();
            return Task.CompletedTask;
        }
        var watch = new Watch(handle, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate) _added.Add(watch);
        ProcessHandles.Signal(_wake);
        return watch.Exited.Task;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped = true;
        ProcessHandles.Signal(_wake);
    }

    private void WaitForAll()
    {
        var watches = new List<Watch>();
        while (!_stopped)
        {
            lock (_gate)
            {
                watches.AddRange(_added);
                _added.Clear();
            }
            var ready = ProcessHandles.WaitAny([_wake, .. watches.Select(watch => watch.Handle)]);
            foreach (var position in ready.OrderDescending())
            {
                if (position == 0)
                {
                    ProcessHandles.Clear(_wake);
                    continue;
                }
                var ended = watches[position - 1];
                watches.RemoveAt(position - 1);
                ended.Handle.Dispose();
                ended.Exited.SetResult();
            }
        }
        foreach (var watch in watches) watch.Handle.Dispose();
        _wake.Dispose();
    }

    private sealed record Watch(SafeFileHandle Handle, TaskCompletionSource Exited);
}
