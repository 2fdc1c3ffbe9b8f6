namespace Lateen.Pilot.Push;

/// <summary>
/// The push that one proxy waits for: none or one, however many changes came while the proxy was busy. Any thread offers,
/// the proxy's own loop takes.
/// </summary>
internal sealed class PendingPush
{
    private readonly Lock _gate = new();
    private PushRequest? _request;

    /// <summary>Adds a request to the one that waits; true when none waited, so that the proxy's loop must be woken.</summary>
    public bool Offer(PushRequest request)
    {
        lock (_gate)
        {
            var first = _request == null;
            _request = _request == null ? request : _request.MergeWith(request);
            return first;
        }
    }

    public PushRequest? Take()
    {
        lock (_gate)
        {
            var request = _request;
            _request = null;
            return request;
        }
    }
}
