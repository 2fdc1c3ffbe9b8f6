using System.Numerics;

namespace Lateen.Proxy.Workers;

/// <summary>
/// Hashed timer wheel: 4096 slots of four milliseconds; a timer further away than one turn waits in its slot for its turn.
/// Starting and stopping are O(1). Owned by one worker.
/// </summary>
internal sealed class TimerWheel
{
    private const int SlotCount = 4096;
    private const int TickShift = 2;
    private readonly WorkerTimer?[] _slots = new WorkerTimer?[SlotCount];
    private readonly ulong[] _occupied = new ulong[SlotCount / 64];
    private long _tick;
    private int _count;

    public TimerWheel(long now) => _tick = now >> TickShift;

    public void Start(WorkerTimer timer, long deadline)
    {
        if (timer.Slot >= 0) Stop(timer);
        timer.Deadline = deadline;
        // Never the slot of the current tick: it was walked already.
        var slot = (int)(Math.Max(deadline + (1 << TickShift) - 1 >> TickShift, _tick + 1) & (SlotCount - 1));
        timer.Slot = slot;
        timer.Next = _slots[slot];
        if (timer.Next is { } next) next.Previous = timer;
        _slots[slot] = timer;
        _occupied[slot >> 6] |= 1UL << (slot & 63);
        _count++;
    }

    public void Stop(WorkerTimer timer)
    {
        var slot = timer.Slot;
        if (slot < 0) return;
        if (timer.Previous is { } previous) previous.Next = timer.Next;
        else _slots[slot] = timer.Next;
        if (timer.Next is { } next) next.Previous = timer.Previous;
        if (_slots[slot] is null) _occupied[slot >> 6] &= ~(1UL << (slot & 63));
        (timer.Next, timer.Previous, timer.Slot) = (null, null, -1);
        _count--;
    }

    /// <summary>Fires everything that is due.</summary>
    public void Advance(long now)
    {
        var target = now >> TickShift;
        if (_count == 0 || target - _tick > SlotCount)
        {
            // Nothing to do, or more than a turn late: every slot is walked once at most.
            _tick = Math.Max(_tick, _count == 0 ? target : target - SlotCount);
        }
        while (_tick < target)
        {
            _tick++;
            var slot = (int)(_tick & (SlotCount - 1));
            if ((_occupied[slot >> 6] & (1UL << (slot & 63))) != 0) Fire(slot, now);
        }
    }

    /// <summary>Milliseconds until a slot that holds timers comes up; -1 when there is no timer.</summary>
    public int UntilNext(long now)
    {
        if (_count == 0) return -1;
        var start = (int)((_tick + 1) & (SlotCount - 1));
        for (var step = 0; step <= _occupied.Length; step++)
        {
            var word = ((start >> 6) + step) & (_occupied.Length - 1);
            var bits = _occupied[word];
            if (step == 0) bits &= ulong.MaxValue << (start & 63);
            if (bits == 0) continue;
            var slot = (word << 6) + BitOperations.TrailingZeroCount(bits);
            var ticks = ((slot - start) & (SlotCount - 1)) + 1;
            return (int)Math.Max(0, (_tick + ticks << TickShift) - now);
        }
        return SlotCount << TickShift;
    }

    private void Fire(int slot, long now)
    {
        for (var timer = _slots[slot]; timer is not null;)
        {
            var next = timer.Next;
            if (timer.Deadline <= now)
            {
                Stop(timer);
                timer.OnFired();
                // What fired may have stopped others of this slot: start over.
                next = _slots[slot];
            }
            timer = next;
        }
    }
}
