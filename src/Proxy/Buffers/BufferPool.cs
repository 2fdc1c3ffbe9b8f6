namespace Lateen.Proxy.Buffers;

/// <summary>
/// Pinned byte arrays of one size, handed out and taken back without locks. Owned by one worker. Pinned, so that the
/// kernel may be given their addresses without fixing them each time.
/// </summary>
internal sealed class BufferPool
{
    /// <summary>Bytes of a buffer: one TLS record, and the head of nearly every request.</summary>
    public const int Size = 16 * 1024;

    private const int MostKept = 1024;
    private readonly Stack<byte[]> _free = new();

    /// <summary>Buffers that are handed out.</summary>
    public int InUse { get; private set; }

    public byte[] Rent()
    {
        InUse++;
        return _free.TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Size, pinned: true);
    }

    public void Return(byte[] buffer)
    {
        InUse--;
        if (_free.Count < MostKept) _free.Push(buffer);
    }
}
