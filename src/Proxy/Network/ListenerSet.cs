using Lateen.Proxy.Interop;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Workers;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Network;

/// <summary>
/// The listeners of one worker, and the connections that came through them. A changed listener keeps its socket; only
/// connections whose chain changed or went are drained. Owned by one worker.
/// </summary>
internal sealed class ListenerSet(Worker worker, ProxyContext context)
{
    private readonly Dictionary<string, ActiveListener> _listeners = new(StringComparer.Ordinal);
    private readonly Dictionary<SocketAddress, ActiveListener> _virtual = [];
    private readonly HashSet<DownstreamConnection> _connections = [];

    public int ConnectionCount => _connections.Count;

    /// <summary>
    /// Takes over a new set of listeners; the names of those whose address cannot be bound, with the reason.
    /// </summary>
    public List<(string Name, string Problem)> Apply(IReadOnlyList<ListenerSnapshot> next, long drainMs)
    {
        var problems = new List<(string, string)>();
        var names = next.Select(listener => listener.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _listeners.Keys.Where(name => !names.Contains(name)).ToList())
        {
            _listeners[gone].Close();
            _listeners.Remove(gone);
        }
        foreach (var snapshot in next)
        {
            if (_listeners.TryGetValue(snapshot.Name, out var active) && active.Snapshot.Address.Equals(snapshot.Address) && active.Snapshot.BindToPort == snapshot.BindToPort)
            {
                active.Snapshot = snapshot;
                continue;
            }
            active?.Close();
            active = new ActiveListener(this, worker, snapshot);
            if (active.Open() is { } problem)
            {
                problems.Add((snapshot.Name, problem));
                _listeners.Remove(snapshot.Name);
            }
            else _listeners[snapshot.Name] = active;
        }
        _virtual.Clear();
        foreach (var active in _listeners.Values) _virtual[active.Snapshot.Address] = active;
        DrainChanged(drainMs);
        return problems;
    }

    /// <summary>The listener that stands for an original destination: that of the very address, else that of any address with the port.</summary>
    public ActiveListener? FindVirtual(SocketAddress destination)
    {
        if (_virtual.TryGetValue(destination, out var exact)) return exact;
        var any = SocketAddress.From(destination.IsV6 ? System.Net.IPAddress.IPv6Any : System.Net.IPAddress.Any, destination.Port);
        return _virtual.GetValueOrDefault(any);
    }

    /// <summary>Stops to accept; connections go on.</summary>
    public void StopAccepting(Func<ListenerSnapshot, bool> which)
    {
        foreach (var active in _listeners.Values)
            if (which(active.Snapshot))
                active.Close();
    }

    /// <summary>Lets all connections close after their request.</summary>
    public void DrainAll(bool closeIdle)
    {
        foreach (var connection in _connections.ToList()) connection.Drain(closeIdle);
    }

    /// <summary>Cuts what is left.</summary>
    public void CutAll()
    {
        foreach (var connection in _connections.ToList()) connection.Cut();
    }

    internal void Accept(ActiveListener listener, int fd, SocketAddress peer)
    {
        // The admin pages stay open: they are how an operator learns what is going on.
        var isCounted = listener.Snapshot.Name != Admin.AdminListener.Name;
        if (isCounted && !context.Overload.TryEnter())
        {
            listener.Snapshot.Stats.Add(worker, ListenerStats.GlobalOverflow);
            _ = Libc.Close(fd);
            return;
        }
        var connection = new DownstreamConnection(listener, new TcpStream(worker, fd, connected: true), peer, context);
        _connections.Add(connection);
        _ = RunAsync(connection, listener.Snapshot.Stats, isCounted);
    }

    private async Task RunAsync(DownstreamConnection connection, ListenerStats stats, bool isCounted)
    {
        stats.Add(worker, ListenerStats.CxTotal);
        stats.Add(worker, ListenerStats.CxActive);
        try
        {
            await connection.RunAsync();
        }
        catch (Exception e)
        {
            // A defect of ours: this connection is lost, no other is.
            context.Log.LogError(e, "serving a connection failed");
        }
        finally
        {
            stats.Add(worker, ListenerStats.CxActive, -1);
            stats.Add(worker, ListenerStats.CxDestroy);
            _connections.Remove(connection);
            if (isCounted) context.Overload.Leave();
        }
    }

    private void DrainChanged(long drainMs)
    {
        var live = new HashSet<ChainSnapshot>(ReferenceEqualityComparer.Instance);
        foreach (var active in _listeners.Values)
        {
            foreach (var chain in active.Snapshot.Chains) live.Add(chain);
            if (active.Snapshot.Default is { } fallback) live.Add(fallback);
        }
        var drained = _connections.Where(connection => connection.Chain is { } chain && !live.Contains(chain)).ToList();
        if (drained.Count == 0) return;
        foreach (var connection in drained) connection.Drain(closeIdle: false);
        worker.StartTimer(new ActionTimer(() =>
        {
            foreach (var connection in drained) connection.Cut();
        }), drainMs);
    }
}

/// <summary>One listener on one worker. Owned by the worker.</summary>
internal sealed class ActiveListener(ListenerSet set, Worker worker, ListenerSnapshot snapshot) : IoSource
{
    private const int MostAcceptsPerTurn = 64;
    private int _fd = -1;

    public ListenerSet Set => set;

    public ListenerSnapshot Snapshot { get; set; } = snapshot;

    /// <summary>Binds and listens; the problem when it cannot.</summary>
    public string? Open()
    {
        if (!Snapshot.BindToPort) return null;
        _fd = NativeSocket.Listen(Snapshot.Address, Snapshot.Backlog, Snapshot.Transparent, Snapshot.FreeBind);
        if (_fd < 0) return $"cannot bind {Snapshot.Address}: error {-_fd}";
        worker.Register(this, _fd, Libc.EpollIn);
        return null;
    }

    public void Close()
    {
        if (_fd < 0) return;
        worker.Unregister(this);
        _ = Libc.Close(_fd);
        _fd = -1;
    }

    internal override void OnEvents(int events)
    {
        for (var i = 0; i < MostAcceptsPerTurn && _fd >= 0; i++)
        {
            var fd = NativeSocket.Accept(_fd, out var peer);
            if (fd < 0) return;
            set.Accept(this, fd, peer);
        }
    }
}
