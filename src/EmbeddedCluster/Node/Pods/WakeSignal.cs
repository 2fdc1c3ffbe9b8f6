namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Wakes one waiting loop; any number of calls while it works wake it once. Any thread.</summary>
internal sealed class WakeSignal : IDisposable
{
    private readonly SemaphoreSlim _signal = new(0, 1);

    /// <summary>Wakes the loop, now or when it waits next.</summary>
    public void Set()
    {
        try
        {
            _signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will wake anyway.
        }
    }

    /// <summary>Waits for a call of <see cref="Set"/>, or for the time to pass.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancel) => _signal.WaitAsync(atMost, cancel);

    /// <inheritdoc/>
    public void Dispose() => _signal.Dispose();
}
