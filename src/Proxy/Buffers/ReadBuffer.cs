namespace Lateen.Proxy.Buffers;

/// <summary>
/// Bytes that were received and not yet consumed. Holds a pooled buffer only while there are such bytes or a read is under
/// way; a head that is larger than one buffer grows into an array of its own. Owned by one connection.
/// </summary>
internal struct ReadBuffer(BufferPool pool)
{
    private byte[]? _array;
    private int _start;
    private int _end;

    /// <summary>Number of bytes that wait.</summary>
    public readonly int Length => _end - _start;

    public readonly ReadOnlySpan<byte> Span => _array.AsSpan(_start, _end - _start);

    /// <summary>The waiting bytes, valid until the next call of <see cref="Space"/> or <see cref="Release"/>.</summary>
    public readonly ReadOnlyMemory<byte> Memory => _array.AsMemory(_start, _end - _start);

    /// <summary>Free room behind the waiting bytes; never empty. Moves or grows when needed.</summary>
    public Span<byte> Space()
    {
        _array ??= pool.Rent();
        if (_end == _array.Length)
        {
            if (_start > 0)
            {
                _array.AsSpan(_start, _end - _start).CopyTo(_array);
                (_start, _end) = (0, _end - _start);
            }
            else
            {
                var larger = GC.AllocateUninitializedArray<byte>(_array.Length * 2, pinned: true);
                _array.AsSpan(0, _end).CopyTo(larger);
                GiveBack();
                _array = larger;
            }
        }
        return _array.AsSpan(_end);
    }

    /// <summary>Counts bytes that were put into <see cref="Space"/>.</summary>
    public void Added(int count) => _end += count;

    /// <summary>Counts bytes that are dealt with.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end) _start = _end = 0;
    }

    /// <summary>Gives the buffer back when nothing waits in it.</summary>
    public void ReleaseIfEmpty()
    {
        if (_start == _end) Release();
    }

    /// <summary>Gives the buffer back with whatever is in it.</summary>
    public void Release()
    {
        if (_array is null) return;
        GiveBack();
        (_array, _start, _end) = (null, 0, 0);
    }

    private readonly void GiveBack()
    {
        if (_array!.Length == BufferPool.Size) pool.Return(_array);
    }
}
