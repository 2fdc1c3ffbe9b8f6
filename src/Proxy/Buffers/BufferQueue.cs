namespace Lateen.Proxy.Buffers;

/// <summary>
/// Bytes that came for one stream and wait to be read, in pooled buffers that are held only while there are any. Flow control
/// bounds it, not the queue. Owned by one stream.
/// </summary>
internal struct BufferQueue
{
    private byte[]?[] _buffers;
    private int _first;
    private int _count;
    private int _start;
    private int _end;

    /// <summary>Bytes that wait.</summary>
    public int Length { get; private set; }

    /// <summary>The first waiting stretch, valid until it is consumed.</summary>
    public readonly ReadOnlyMemory<byte> First =>
        _count == 0 ? default : _buffers[_first].AsMemory(_start, (_count == 1 ? _end : BufferPool.Size) - _start);

    public void Append(BufferPool pool, ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_count == 0 || _end == BufferPool.Size) AddBuffer(pool);
            var last = _buffers[(_first + _count - 1) & (_buffers.Length - 1)]!;
            var fits = Math.Min(bytes.Length, BufferPool.Size - _end);
            bytes[..fits].CopyTo(last.AsSpan(_end));
            _end += fits;
            bytes = bytes[fits..];
        }
    }

    /// <summary>Counts bytes of the first stretch that are dealt with.</summary>
    public void Consume(BufferPool pool, int count)
    {
        Length -= count;
        _start += count;
        if (_start < (_count == 1 ? _end : BufferPool.Size)) return;
        RemoveFirst(pool);
    }

    /// <summary>Gives everything back, read or not; says how much was not.</summary>
    public int Release(BufferPool pool)
    {
        while (_count > 0) RemoveFirst(pool);
        var left = Length;
        Length = 0;
        return left;
    }

    private void AddBuffer(BufferPool pool)
    {
        _buffers ??= new byte[]?[4];
        if (_count == _buffers.Length)
        {
            var larger = new byte[]?[_count * 2];
            for (var i = 0; i < _count; i++) larger[i] = _buffers[(_first + i) & (_count - 1)];
            (_buffers, _first) = (larger, 0);
        }
        if (_count == 0) (_first, _start) = (0, 0);
        _buffers[(_first + _count++) & (_buffers.Length - 1)] = pool.Rent();
        _end = 0;
    }

    private void RemoveFirst(BufferPool pool)
    {
        pool.Return(_buffers[_first]!);
        _buffers[_first] = null;
        _first = (_first + 1) & (_buffers.Length - 1);
        _count--;
        _start = 0;
        if (_count == 0) _end = 0;
    }
}
