using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Lateen.EmbeddedCluster.Node.Serving.Spdy;

/// <summary>Reads header blocks; they are one zlib stream over the life of the connection. Owned by the connection's reader.</summary>
/// <remarks>
/// The class library's inflater takes no dictionary. A dictionary is what has "been written before", so the inflater is first given
/// the dictionary as an uncompressed block, and what it makes of that is thrown away.
/// </remarks>
internal sealed class SpdyHeaderReader : IDisposable
{
    private const int ZlibHeaderBytes = 6, MaxNames = 256, MaxTextBytes = 64 * 1024;

    private readonly FeedStream _feed = new();
    private readonly DeflateStream _inflater;
    private bool _begun;

    /// <summary>Starts a stream.</summary>
    public SpdyHeaderReader()
    {
        _inflater = new DeflateStream(_feed, CompressionMode.Decompress);
        var dictionary = SpdyDictionary.Bytes;
        _feed.Add((byte[])[0, (byte)dictionary.Length, (byte)(dictionary.Length >> 8), (byte)~dictionary.Length, (byte)(~dictionary.Length >> 8), .. dictionary]);
        _inflater.ReadExactly(new byte[dictionary.Length]);
    }

    /// <summary>Reads one block.</summary>
    /// <exception cref="InvalidDataException">The peer breaks the format.</exception>
    public IReadOnlyDictionary<string, string> Read(ReadOnlyMemory<byte> block)
    {
        if (!_begun)
        {
            // CMF, FLG with the dictionary bit, and the dictionary's checksum (RFC 1950).
            var head = block.Span;
            if (head.Length < ZlibHeaderBytes || (head[0] & 15) != 8 || (head[1] & 0x20) == 0 || BinaryPrimitives.ReadUInt32BigEndian(head[2..]) != SpdyDictionary.Checksum)
                throw new InvalidDataException("the header block is not compressed with SPDY/3's dictionary");
            block = block[ZlibHeaderBytes..];
            _begun = true;
        }
        _feed.Add(block);
        var count = ReadNumber(MaxNames);
        var headers = new Dictionary<string, string>(count);
        for (var i = 0; i < count; i++)
        {
            var name = ReadText();
            headers[name] = ReadText();
        }
        return headers;
    }

    /// <inheritdoc/>
    public void Dispose() => _inflater.Dispose();

    private string ReadText()
    {
        var bytes = new byte[ReadNumber(MaxTextBytes)];
        Fill(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private int ReadNumber(int limit)
    {
        Span<byte> bytes = stackalloc byte[4];
        Fill(bytes);
        var number = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return number <= limit ? (int)number : throw new InvalidDataException($"a header block has a length of {number}");
    }

    private void Fill(Span<byte> bytes)
    {
        try
        {
            _inflater.ReadExactly(bytes);
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException("a header block ends too early");
        }
    }

    // Hands out what was added; a block is complete, so that the inflater never asks for more than there is.
    private sealed class FeedStream : Stream
    {
        private readonly Queue<ReadOnlyMemory<byte>> _parts = new();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Add(ReadOnlyMemory<byte> part)
        {
            if (part.Length > 0) _parts.Enqueue(part);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (!_parts.TryPeek(out var part)) return 0;
            var count = Math.Min(part.Length, buffer.Length);
            part.Span[..count].CopyTo(buffer);
            _parts.Dequeue();
            if (count < part.Length)
            {
                // What is left keeps its place before later parts; in practice a part is taken whole.
                var rest = new Queue<ReadOnlyMemory<byte>>([part[count..], .. _parts]);
                _parts.Clear();
                foreach (var later in rest) _parts.Enqueue(later);
            }
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>Writes header blocks as a zlib stream without compression, which needs no dictionary. Owned by the connection's writer.</summary>
internal sealed class SpdyHeaderWriter
{
    private bool _begun;

    /// <summary>Writes one block.</summary>
    public byte[] Write(IReadOnlyDictionary<string, string> headers)
    {
        var text = new List<byte>();
        AddNumber(text, headers.Count);
        foreach (var (name, value) in headers)
        {
            AddText(text, name);
            AddText(text, value);
        }
        // An empty block behind it, as zlib's flush leaves one: a reader that Go's library makes looks for the next block until it sees
        // this, and takes the end of the frame for an error that it never forgets.
        byte[] stored = [0, (byte)text.Count, (byte)(text.Count >> 8), (byte)~text.Count, (byte)(~text.Count >> 8), .. text, 0, 0, 0, 0xFF, 0xFF];
        if (_begun) return stored;
        _begun = true;
        return [0x78, 0x01, .. stored];
    }

    private static void AddText(List<byte> bytes, string text)
    {
        var encoded = Encoding.UTF8.GetBytes(text);
        AddNumber(bytes, encoded.Length);
        bytes.AddRange(encoded);
    }

    private static void AddNumber(List<byte> bytes, int number)
    {
        Span<byte> encoded = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(encoded, number);
        bytes.AddRange(encoded);
    }
}
