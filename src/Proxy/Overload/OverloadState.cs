namespace Lateen.Proxy.Overload;

/// <summary>What is shed at the moment. Written by the watch, read by workers. Any thread.</summary>
internal sealed class OverloadState
{
    private int _connections;
    private volatile bool _stopsRequests, _stopsConnections, _endsKeepAlive;

    /// <summary>Connections that may be open at a time, of all listeners; 0 for no limit.</summary>
    public int MaxConnections { get; set; }

    /// <summary>Open connections.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>New requests are answered with 503.</summary>
    public bool StopsRequests
    {
        get => _stopsRequests;
        set => _stopsRequests = value;
    }

    /// <summary>New connections are closed at once.</summary>
    public bool StopsConnections
    {
        get => _stopsConnections;
        set => _stopsConnections = value;
    }

    /// <summary>Connections close after their response.</summary>
    public bool EndsKeepAlive
    {
        get => _endsKeepAlive;
        set => _endsKeepAlive = value;
    }

    /// <summary>Takes in a connection; false when there may be no more. Each that was taken in is left once.</summary>
    public bool TryEnter()
    {
        var now = Interlocked.Increment(ref _connections);
        if (!_stopsConnections && (MaxConnections == 0 || now <= MaxConnections)) return true;
        Interlocked.Decrement(ref _connections);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _connections);
}
