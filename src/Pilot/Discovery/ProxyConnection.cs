using System.Threading.Channels;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// One proxy that is connected: what it asked for, what it has, and the push that it waits for. Its stream owns it; any
/// thread may offer a push or read the fields that debug pages show.
/// </summary>
internal sealed class ProxyConnection(string id, ProxyNode node, string peer, bool isDelta, DateTimeOffset connected)
{
    private readonly PendingPush _pending = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>The node's id and a number, since a proxy may be connected twice.</summary>
    public string Id { get; } = id;

    public ProxyNode Node { get; } = node;
    public string Peer { get; } = peer;
    public bool IsDelta { get; } = isDelta;
    public DateTimeOffset Connected { get; } = connected;

    /// <summary>By resource type; null for what the proxy did not ask for.</summary>
    public WatchState?[] Watches { get; } = new WatchState?[ResourceTypes.Count];

    /// <summary>Ends the stream, for the debug page that disconnects a proxy.</summary>
    public CancellationTokenSource Closing { get; } = new();

    public ChannelReader<bool> Woken => _wake.Reader;

    public void Offer(PushRequest request)
    {
        if (_pending.Offer(request)) _wake.Writer.TryWrite(true);
    }

    public PushRequest? TakePush() => _pending.Take();
}
