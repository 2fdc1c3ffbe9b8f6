using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Buffers;

/// <summary>
/// Bytes that are about to be sent. Holds a pooled buffer only while there are any; grows past one buffer when it must.
/// Owned by one connection.
/// </summary>
internal struct WriteBuffer(BufferPool pool)
{
    private byte[]? _array;
    private int _start;
    private int _end;

    public readonly int Length => _end - _start;

    /// <summary>Room that is left before the buffer would have to grow.</summary>
    public readonly int Room => (_array?.Length ?? BufferPool.Size) - _end;

    public readonly ReadOnlySpan<byte> Span => _array.AsSpan(_start, _end - _start);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_array.AsSpan(_end));
        _end += bytes.Length;
    }

    public void Append(byte value)
    {
        Ensure(1);
        _array![_end++] = value;
    }

    /// <summary>Changes one of the waiting bytes.</summary>
    public readonly void Patch(int at, byte value) => _array![_start + at] = value;

    public void AppendAscii(string text)
    {
        Ensure(text.Length);
        _end += Encoding.Latin1.GetBytes(text, _array.AsSpan(_end));
    }

    public void AppendNumber(long value, bool hex = false)
    {
        Ensure(20);
        value.TryFormat(_array.AsSpan(_end), out var written, hex ? "x" : default, CultureInfo.InvariantCulture);
        _end += written;
    }

    /// <summary>Counts bytes that were sent; gives the buffer back after the last.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end) Release();
    }

    public void Release()
    {
        if (_array is { } array && array.Length == BufferPool.Size) pool.Return(array);
        (_array, _start, _end) = (null, 0, 0);
    }

    private void Ensure(int more)
    {
        _array ??= pool.Rent();
        if (_end + more <= _array.Length) return;
        var size = _array.Length;
        while (size < _end - _start + more) size *= 2;
        var target = size == BufferPool.Size ? pool.Rent() : GC.AllocateUninitializedArray<byte>(size, pinned: true);
        _array.AsSpan(_start, _end - _start).CopyTo(target);
        if (_array.Length == BufferPool.Size) pool.Return(_array);
        (_array, _start, _end) = (target, 0, _end - _start);
    }
}
