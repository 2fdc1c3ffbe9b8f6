using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tracing;

/// <summary>
/// Carries records from the workers to a collector, some at a time, on the thread pool. When the collector is slow or away the
/// newest records are dropped and counted: a request never waits for its record. Any thread.
/// </summary>
internal sealed class BatchSender<T> : IAsyncDisposable
{
    private const int MostWaiting = 8192, LargestBatch = 512;
    private static readonly TimeSpan LongestSend = TimeSpan.FromSeconds(5);
    private readonly Channel<T> _waiting = Channel.CreateBounded<T>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private readonly Func<IReadOnlyList<T>, CancellationToken, Task> _send;
    private readonly TimeSpan _interval;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _dropped;

    public BatchSender(TimeSpan interval, Func<IReadOnlyList<T>, CancellationToken, Task> send, ILogger log)
    {
        (_interval, _send, _log) = (interval, send, log);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Records that never reached the collector.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Add(T record)
    {
        if (!_waiting.Writer.TryWrite(record)) Interlocked.Increment(ref _dropped);
    }

    /// <summary>Sends what waits, for as long as one send may take.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var batch = new List<T>(LargestBatch);
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            // A moment for more to come; the end of the process is no time to wait.
            await Task.Delay(_interval, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            while (batch.Count < LargestBatch && _waiting.Reader.TryRead(out var record)) batch.Add(record);
            await SendAsync(batch).ConfigureAwait(false);
            batch.Clear();
        }
    }

    private async Task SendAsync(List<T> batch)
    {
        using var limit = new CancellationTokenSource(LongestSend);
        try
        {
            await _send(batch, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Interlocked.Add(ref _dropped, batch.Count);
            _log.LogDebug("{Count} records could not be sent: {Reason}", batch.Count, e.Message);
        }
    }
}
