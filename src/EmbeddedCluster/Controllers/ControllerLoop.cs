using System.Threading.Channels;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Runs one controller: a queue of keys without repetition, retries with growing pauses. Any thread may add keys.</summary>
internal sealed partial class ControllerLoop(Controller controller, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly HashSet<ObjectKey> _waiting = [];
    private readonly Dictionary<ObjectKey, int> _failures = [];
    private readonly Dictionary<ObjectKey, DateTimeOffset> _due = [];
    private readonly Channel<ObjectKey> _ready = Channel.CreateUnbounded<ObjectKey>(new UnboundedChannelOptions { SingleReader = true });

    public Controller Controller { get; } = controller;

    public void Add(ObjectKey key)
    {
        lock (_gate)
        {
            if (_waiting.Add(key)) _ready.Writer.TryWrite(key);
        }
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var key in _ready.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                lock (_gate) _waiting.Remove(key);
                await WorkAsync(key, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task WorkAsync(ObjectKey key, CancellationToken cancel)
    {
        try
        {
            var again = await Controller.ReconcileAsync(key, cancel).ConfigureAwait(false);
            _failures.Remove(key);
            if (again is { } pause) AddLater(key, pause, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception failure)
        {
            var count = _failures[key] = _failures.GetValueOrDefault(key) + 1;
            var pause = TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(count - 1, 12)));
            if (failure is ApiException refused) LogRefused(logger, Controller.GetType().Name, key, refused.Message);
            else LogFailure(logger, failure, Controller.GetType().Name, key);
            AddLater(key, pause, cancel);
        }
    }

    private void AddLater(ObjectKey key, TimeSpan pause, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var time = now + pause;
        lock (_gate)
        {
            // One timer a key: the earliest wins.
            if (_due.TryGetValue(key, out var planned) && planned <= time && planned > now) return;
            _due[key] = time;
        }
        _ = WakeAsync(key, time, pause, cancel);
    }

    private async Task WakeAsync(ObjectKey key, DateTimeOffset time, TimeSpan pause, CancellationToken cancel)
    {
        await Task.Delay(pause, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cancel.IsCancellationRequested) return;
        lock (_gate)
        {
            if (!_due.TryGetValue(key, out var planned) || planned != time) return;
            _due.Remove(key);
        }
        Add(key);
    }

    [LoggerMessage(EventId = 30, Level = LogLevel.Warning, Message = "{Controller} could not finish {Key}: {Reason}")]
    private static partial void LogRefused(ILogger logger, string controller, ObjectKey key, string reason);

    [LoggerMessage(EventId = 31, Level = LogLevel.Error, Message = "{Controller} failed on {Key}")]
    private static partial void LogFailure(ILogger logger, Exception failure, string controller, ObjectKey key);
}
