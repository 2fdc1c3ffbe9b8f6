namespace Lateen.Proxy.Workers;

/// <summary>A timer of one worker: a node of a wheel's slot, so that starting and stopping cost a few writes. Owned by one worker.</summary>
internal abstract class WorkerTimer
{
    internal WorkerTimer? Next { get; set; }

    internal WorkerTimer? Previous { get; set; }

    /// <summary>When it fires, in the worker's milliseconds.</summary>
    internal long Deadline { get; set; }

    internal int Slot { get; set; } = -1;

    /// <summary>It is started and has not fired.</summary>
    public bool IsActive => Slot >= 0;

    /// <summary>Called once on the worker; the timer may be started again from here.</summary>
    protected internal abstract void OnFired();
}

/// <summary>A timer that calls a delegate.</summary>
internal sealed class ActionTimer(Action action) : WorkerTimer
{
    protected internal override void OnFired() => action();
}
