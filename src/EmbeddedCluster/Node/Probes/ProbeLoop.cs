namespace Lateen.EmbeddedCluster.Node.Probes;

/// <summary>Asks one probe of one running container until told to stop. Owned by one pod's worker; the result is read there.</summary>
/// <remarks>
/// differs: kubelet asks once a period. A readiness or startup probe is asked in between too until it first succeeds, so that a pod is
/// ready when it is and not a period later; what these questions find wrong neither counts nor is told.
/// </remarks>
internal sealed class ProbeLoop
{
    private static readonly TimeSpan Hurry = TimeSpan.FromMilliseconds(200);

    private readonly ProbeConfig _config;
    private readonly Func<CancellationToken, Task<ProbeOutcome>> _ask;
    private readonly Action<ProbeLoop> _onChange;
    private readonly Action<string> _onFailure;
    private readonly bool _hurries;
    private int _inRow;
    private bool _lastOutcome;
    private volatile bool _hasSucceeded;
    private volatile bool _hasFailed;

    /// <summary>Makes the loop; it starts when run.</summary>
    /// <param name="config">The probe.</param>
    /// <param name="ask">Asks once.</param>
    /// <param name="onChange">Called when <see cref="Succeeded"/> or <see cref="Failed"/> changes.</param>
    /// <param name="onFailure">Called with the message of every failed question of a period.</param>
    /// <param name="hurries">Whether it asks more often until the first success; not for liveness.</param>
    /// <param name="succeededBefore">What an earlier runtime found: it holds until a row of failures says otherwise.</param>
    public ProbeLoop(
        ProbeConfig config, Func<CancellationToken, Task<ProbeOutcome>> ask, Action<ProbeLoop> onChange, Action<string> onFailure, bool hurries = false, bool succeededBefore = false)
    {
        (_config, _ask, _onChange, _onFailure, _hurries) = (config, ask, onChange, onFailure, hurries);
        _hasSucceeded = _lastOutcome = succeededBefore;
    }

    /// <summary>The last successes reached their threshold, and no row of failures has since.</summary>
    public bool Succeeded => _hasSucceeded;

    /// <summary>The last failures reached their threshold.</summary>
    public bool Failed => _hasFailed;

    /// <summary>Asks until cancelled.</summary>
    /// <param name="age">How long the container runs already.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends the loop.</param>
    public async Task RunAsync(TimeSpan age, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            if (_config.InitialDelay > age) await Task.Delay(_config.InitialDelay - age, time, cancel);
            using var timer = new PeriodicTimer(_config.Period, time);
            while (true)
            {
                Note(await _ask(cancel));
                var tick = timer.WaitForNextTickAsync(cancel).AsTask();
                while (_hurries && !_hasSucceeded && await Task.WhenAny(tick, Task.Delay(Hurry, time, cancel)) != tick)
                    if (await _ask(cancel) is { Success: true } early) Note(early);
                await tick;
            }
        }
        catch (OperationCanceledException)
        {
            // The container ended or the node stops.
        }
    }

    private void Note(ProbeOutcome outcome)
    {
        if (!outcome.Success) _onFailure(outcome.Message);
        _inRow = outcome.Success == _lastOutcome ? _inRow + 1 : 1;
        _lastOutcome = outcome.Success;
        if (_inRow < (outcome.Success ? _config.SuccessThreshold : _config.FailureThreshold)) return;
        if (_hasSucceeded == outcome.Success && _hasFailed == !outcome.Success) return;
        _hasSucceeded = outcome.Success;
        _hasFailed = !outcome.Success;
        _onChange(this);
    }
}
