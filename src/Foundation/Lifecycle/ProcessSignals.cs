using System.Runtime.InteropServices;

namespace Lateen.Foundation.Lifecycle;

/// <summary>
/// Turns SIGTERM and SIGINT into a cancellation, once; a second signal ends the process at once with code 130. Any thread.
/// </summary>
public sealed class ProcessSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Starts to listen.</summary>
    public ProcessSignals() =>
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal)];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Stops to listen; the default behaviour of the signals returns.</summary>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stopping.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (_stopping.IsCancellationRequested) Environment.Exit(130);
        context.Cancel = true;
        _stopping.Cancel();
    }
}
