using System.Globalization;
using System.Text;

namespace Lateen.EmbeddedCluster.ApiServer.Subresources;

/// <summary>A read-only stream that can only be read asynchronously. Owned by one reader.</summary>
internal abstract class ReadStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Bytes that were read already, then the stream that they came from.</summary>
internal sealed class PrefixedStream(byte[] prefix, Stream rest) : ReadStream
{
    private int _given;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_given == prefix.Length) return await rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        var count = Math.Min(buffer.Length, prefix.Length - _given);
        prefix.AsSpan(_given, count).CopyTo(buffer.Span);
        _given += count;
        return count;
    }
}

/// <summary>The content of a chunked body (RFC 9112 section 7.1).</summary>
internal sealed class ChunkedStream(Stream inner) : ReadStream
{
    private const int MaxLine = 1024;

    private readonly byte[] _one = new byte[1];
    private long _left;
    private bool _ended;
    private bool _first = true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.Length == 0) return 0;
        if (_left == 0)
        {
            if (!_first) await ReadLineAsync(cancellationToken).ConfigureAwait(false);
            _first = false;
            var size = (await ReadLineAsync(cancellationToken).ConfigureAwait(false)).Split(';')[0].Trim();
            if (!long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _left) || _left < 0) throw new IOException("bad chunk size");
            if (_left == 0)
            {
                _ended = true;
                return 0;
            }
        }
        var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        if (read == 0) throw new IOException("the body ended within a chunk");
        _left -= read;
        return read;
    }

    private async Task<string> ReadLineAsync(CancellationToken cancel)
    {
        var line = new StringBuilder();
        while (line.Length < MaxLine)
        {
            if (await inner.ReadAsync(_one, cancel).ConfigureAwait(false) == 0) throw new IOException("the body ended within a chunk");
            if (_one[0] == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)_one[0]);
        }
        throw new IOException("bad chunk size");
    }
}
