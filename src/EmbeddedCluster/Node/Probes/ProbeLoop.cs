namespace Lateen.EmbeddedCluster.Node.Probes;

/// <summary>Asks one probe of one running container until told to stop. Owned by one pod's worker; the result is read there.</summary>
internal sealed class ProbeLoop
{
    private readonly ProbeConfig _config;
    private readonly Func<CancellationToken, Task<ProbeOutcome>> _ask;
    private readonly Action<ProbeLoop> _onChange;
    private readonly Action<string> _onFailure;
    private int _inRow;
    private bool _lastOutcome;
    private volatile bool _hasSucceeded;
    private volatile bool _hasFailed;

    /// <summary>Makes the loop; it starts when run.</summary>
    /// <param name="config">The probe.</param>
    /// <param name="ask">Asks once.</param>
    /// <param name="onChange">Called when <see cref="Succeeded"/> or <see cref="Failed"/> changes.</param>
    /// <param name="onFailure">Called with the message of every failed question.</param>
    public ProbeLoop(ProbeConfig config, Func<CancellationToken, Task<ProbeOutcome>> ask, Action<ProbeLoop> onChange, Action<string> onFailure) =>
        (_config, _ask, _onChange, _onFailure) = (config, ask, onChange, onFailure);

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
            do
            {
                Note(await _ask(cancel));
            }
            while (await timer.WaitForNextTickAsync(cancel));
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
