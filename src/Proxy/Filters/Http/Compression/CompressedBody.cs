using Lateen.Proxy.Buffers;
using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Filters.Http.Compression;

/// <summary>A body in its compressed form: each stretch goes on when it has come, so that streams stay streams. Owned by one worker.</summary>
internal sealed class CompressedBody(BodySource inner, ICompressor compressor, Action<int, int> count) : BodySource
{
    private readonly ByteBuilder _output = new();
    private bool _isOver;

    public override HeaderMap? Trailers => inner.Trailers;

    public override bool HasBytes => !_isOver && inner.HasBytes;

    public override async ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadAsync()
    {
        while (!_isOver)
        {
            var (status, data) = await inner.ReadAsync();
            if (status is not (ReadStatus.Ok or ReadStatus.End))
            {
                compressor.Dispose();
                return (status, default);
            }
            _isOver = status == ReadStatus.End;
            _output.Clear();
            compressor.Write(data.Span, _isOver, _output);
            count(data.Length, _output.Length);
            if (_isOver) compressor.Dispose();
            else inner.Advance();
            if (_output.Length > 0) return (ReadStatus.Ok, _output.Memory);
        }
        return (ReadStatus.End, default);
    }

    public override void Advance()
    {
    }

    public override void Abort() => inner.Abort();
}
