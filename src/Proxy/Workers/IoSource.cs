namespace Lateen.Proxy.Workers;

/// <summary>Something with a descriptor that a worker's epoll watches. Owned by one worker.</summary>
internal abstract class IoSource
{
    /// <summary>Place in the worker's table, set by the worker.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>The epoll bits of an event.</summary>
    internal abstract void OnEvents(int events);
}
