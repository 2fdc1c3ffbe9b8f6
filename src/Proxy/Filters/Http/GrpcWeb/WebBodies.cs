using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.GrpcWeb;

/// <summary>The bytes of a body that comes as Base64; each group of four letters may be padded by itself. Owned by one worker.</summary>
internal sealed class Base64Body(BodySource inner) : BodySource
{
    private readonly ByteBuilder _letters = new();
    private byte[] _bytes = [];

    public override HeaderMap? Trailers => inner.Trailers;

    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (true)
        {
            var (status, data) = await inner.ReadAsync();
            if (status == ReadStatus.End && _letters.Length > 0) return (ReadStatus.Bad, default);
            if (status != ReadStatus.Ok) return (status, default);
            _letters.Append(data.Span);
            inner.Advance();
            if (!TryDecode(out var length)) return (ReadStatus.Bad, default);
            if (length > 0) return (ReadStatus.Ok, _bytes.AsMemory(0, length));
        }
    }

    public override void Advance()
    {
    }

    public override void Abort() => inner.Abort();

    private bool TryDecode(out int length)
    {
        length = 0;
        var whole = _letters.Length / 4 * 4;
        if (_bytes.Length < whole) _bytes = new byte[whole];
        for (var rest = _letters.Span[..whole]; !rest.IsEmpty;)
        {
            // Padding ends a run: the next one begins behind it.
            var end = rest.IndexOf((byte)'=');
            var run = end < 0 ? rest : rest[..((end / 4 + 1) * 4)];
            if (Base64.DecodeFromUtf8(run, _bytes.AsSpan(length), out var read, out var written) != OperationStatus.Done || read != run.Length) return false;
            length += written;
            rest = rest[run.Length..];
        }
        var left = _letters.Span[whole..].ToArray();
        _letters.Clear();
        _letters.Append(left);
        return true;
    }
}

/// <summary>
/// A gRPC answer whose trailers come as the last frame of its body, as text when asked. Owned by one worker.
/// </summary>
internal sealed class TrailersInBody(BodySource inner, bool isText) : BodySource
{
    private const byte TrailerFrame = 0x80;
    private readonly ByteBuilder _pending = new();
    private byte[] _text = [];
    private bool _isPassedOn, _isOver;

    public override HeaderMap? Trailers => null;

    public override bool HasBytes => !_isOver && inner.HasBytes;

    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (!_isOver)
        {
            var (status, data) = await inner.ReadAsync();
            if (status is not (ReadStatus.Ok or ReadStatus.End)) return (status, default);
            if (status == ReadStatus.Ok && !isText)
            {
                _isPassedOn = true;
                return (status, data);
            }
            _isOver = status == ReadStatus.End;
            if (!isText)
            {
                _pending.Clear();
                WriteTrailers();
                return (ReadStatus.Ok, _pending.Memory);
            }
            if (_isOver) WriteTrailers();
            else
            {
                _pending.Append(data.Span);
                inner.Advance();
            }
            var length = Encode();
            if (length > 0) return (ReadStatus.Ok, _text.AsMemory(0, length));
        }
        return (ReadStatus.End, default);
    }

    public override void Advance()
    {
        if (_isPassedOn) inner.Advance();
        _isPassedOn = false;
    }

    public override void Abort() => inner.Abort();

    private void WriteTrailers()
    {
        var start = _pending.Length;
        _pending.Append([TrailerFrame, 0, 0, 0, 0]);
        if (inner.Trailers is { } trailers)
            for (var place = 0; place < trailers.Places; place++)
                if (trailers.TryAt(place, out _, out var name, out var value))
                {
                    _pending.Append(name);
                    _pending.Append((byte)':');
                    _pending.Append(value);
                    _pending.Append("\r\n"u8);
                }
        Span<byte> size = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, _pending.Length - start - 5);
        _pending.Overwrite(start + 1, size);
    }

    /// <summary>Writes what makes whole groups of three bytes; at the end all of it.</summary>
    private int Encode()
    {
        var take = _isOver ? _pending.Length : _pending.Length / 3 * 3;
        var most = Base64.GetMaxEncodedToUtf8Length(take);
        if (_text.Length < most) _text = new byte[most];
        Base64.EncodeToUtf8(_pending.Span[..take], _text, out _, out var written);
        var left = _pending.Span[take..].ToArray();
        _pending.Clear();
        _pending.Append(left);
        return written;
    }
}
