using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Buffers;

/// <summary>A growing run of bytes that is reused; for log lines, header values and pages. Owned by one worker or caller.</summary>
internal sealed class ByteBuilder
{
    private byte[] _bytes = new byte[512];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>The same bytes, valid until the next change.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Bytes that fit without growing.</summary>
    public int Capacity => _bytes.Length;

    public void Clear() => Length = 0;

    public void Truncate(int length) => Length = length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Writes over bytes that are there.</summary>
    public void Overwrite(int at, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_bytes.AsSpan(at, Length - at));

    public void Append(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Append(string text) => Length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));

    public void Append(long value)
    {
        value.TryFormat(Room(20), out var written, default, CultureInfo.InvariantCulture);
        Length += written;
    }

    public void Append(in Network.SocketAddress address, bool withPort = true) => Length += address.Format(Room(300), withPort);

    public void Append(DateTime time, string format)
    {
        time.TryFormat(Room(64), out var written, format, CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <summary>So many bytes of the room have been written.</summary>
    public void Advance(int bytes) => Length += bytes;

    /// <summary>Free room of at least so many bytes.</summary>
    public Span<byte> Room(int bytes)
    {
        if (Length + bytes > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + bytes));
        return _bytes.AsSpan(Length);
    }
}
