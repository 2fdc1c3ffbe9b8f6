using System.Runtime.CompilerServices;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Http2.Hpack;
using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Http.Http2;

/// <summary>One attempt of a request on an upstream's connection. Reused for streams of any connection of its worker. Owned by one worker.</summary>
internal sealed class Http2ClientStream : UpstreamStream, IStreamOwner
{
    private const int MostInformational = 16;
    private Http2ClientConnection _connection = null!;
    private HeaderMap? _wanted;
    private HeaderMap? _early;
    private BodyKind _responseBody;
    private int _code;
    private int _informational;
    private bool _isOpen, _answersHead, _isUpgrade, _isHeadThere, _isHeadFinal, _wasReused;

    public Http2ClientStream() => Stream = new Http2Stream(this);

    public Http2Stream Stream { get; }

    public override SocketAddress LocalAddress => _connection.LocalAddress;

    public override TlsFacts? Tls => _connection.Tls;

    public override bool ResponseBegun => _code != 0;

    public override bool WasReused => _wasReused;

    public override bool IsResponseDone => _isHeadFinal && Stream.RemoteEnded && !Stream.HasBytes;

    public override bool HasBodyBytes => Stream.HasBytes;

    public override bool WasRefused => Stream is { End: StreamEnd.ResetByPeer, Error: Http2Error.RefusedStream };

    public override bool WasReset => Stream.End == StreamEnd.ResetByPeer;

    public override HeaderMap? ResponseTrailers => Stream.HasTrailers ? Stream.Trailers : null;

    /// <summary>Takes its place on a connection that has room.</summary>
    public void Attach(Http2ClientConnection connection, bool isFirst)
    {
        _connection = connection;
        Stream.Open(connection, 0, 0);
        (_wanted, _code, _informational, _responseBody) = (null, 0, 0, BodyKind.None);
        (_isOpen, _answersHead, _isUpgrade, _isHeadThere, _isHeadFinal, _wasReused) = (true, false, false, false, false, !isFirst);
    }

    public void OnBroken()
    {
        // Who waits on the stream sees it; nobody else wants to know.
    }

    public override void BeginRequest(HeaderMap headers, BodyKind body, bool upgrade)
    {
        (_isUpgrade, _answersHead) = (upgrade, headers[KnownHeader.Method].SequenceEqual("HEAD"u8));
        if (!_connection.TryBegin(Stream)) return;
        var block = _connection.BeginBlock();
        HpackEncoder.Field(block, KnownHeader.Method, ":method"u8, upgrade ? "CONNECT"u8 : headers[KnownHeader.Method]);
        if (upgrade) HpackEncoder.Field(block, KnownHeader.Protocol, ":protocol"u8, headers[KnownHeader.Upgrade]);
        if (upgrade || !headers[KnownHeader.Method].SequenceEqual("CONNECT"u8))
        {
            HpackEncoder.Field(block, KnownHeader.Scheme, ":scheme"u8, headers.TryGet(KnownHeader.Scheme, out var scheme) ? scheme : "http"u8);
            HpackEncoder.Field(block, KnownHeader.Path, ":path"u8, headers[KnownHeader.Path]);
        }
        HpackEncoder.Field(block, KnownHeader.Authority, ":authority"u8, headers[KnownHeader.Authority]);
        for (var place = 0; place < headers.Places; place++)
        {
            if (!headers.TryAt(place, out var known, out var name, out var value) || known is >= KnownHeader.Method and <= KnownHeader.Status) continue;
            if (HttpText.IsHop(known) && !(known == KnownHeader.Te && HttpText.EqualsIgnoreCase(value, "trailers"u8))) continue;
            HpackEncoder.Field(block, known, name, value);
        }
        Stream.LocalEnded = body == BodyKind.None && !upgrade;
        _connection.SendBlock(Stream.Id, Stream.LocalEnded);
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body) =>
        body.IsEmpty ? new ValueTask<bool>(Stream.End == StreamEnd.None && !Stream.IsAborted) : Stream.SendAsync(body);

    public override ValueTask<bool> EndAsync(HeaderMap? trailers)
    {
        if (Stream.End != StreamEnd.None) return new ValueTask<bool>(false);
        if (Stream.LocalEnded) return new ValueTask<bool>(true);
        if (trailers is { Count: > 0 })
        {
            Stream.LocalEnded = true;
            var block = _connection.BeginBlock();
            for (var place = 0; place < trailers.Places; place++)
                if (trailers.TryAt(place, out var known, out var name, out var value) && !HttpText.IsHop(known))
                    HpackEncoder.Field(block, known, name, value);
            _connection.SendBlock(Stream.Id, endStream: true);
        }
        else _connection.EndStream(Stream);
        return new ValueTask<bool>(true);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<(ReadStatus Status, int Code, BodyKind Body)> ReadHeadAsync(HeaderMap response, bool answersHead, bool upgrade)
    {
        if (_isHeadThere && _early is not null) response.CopyFrom(_early);
        else
        {
            _wanted = response;
            while (!_isHeadThere)
                if (!await Stream.WaitForPeerAsync())
                {
                    _wanted = null;
                    return (Stream.End != StreamEnd.None ? Stream.Broken : ReadStatus.Aborted, 0, BodyKind.None);
                }
        }
        _isHeadThere = false;
        if (_isUpgrade && _code == 200)
        {
            response.Set(KnownHeader.Connection, "upgrade"u8);
            return (ReadStatus.Ok, 101, BodyKind.UntilClose);
        }
        return (ReadStatus.Ok, _code, _responseBody);
    }

    public override ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync() => Stream.ReadAsync();

    public override void Advance() => Stream.Advance();

    public override void Release(bool requestComplete) => Leave(Http2Error.None);

    public override void ShutdownSending()
    {
        if (Stream is { End: StreamEnd.None, LocalEnded: false }) _connection.EndStream(Stream);
    }

    public override void Abort()
    {
        Stream.IsAborted = true;
        Stream.EndWaits();
    }

    public override void Close() => Leave(Http2Error.Cancel);

    /// <summary>A header block of this stream, once it is known to be sound: where to put it.</summary>
    public HeaderMap MapFor(bool isTrailers) => isTrailers ? Stream.Trailers : _wanted ?? (_early ??= new HeaderMap());

    /// <summary>The final head has come: what follows are trailers.</summary>
    public bool IsHeadFinal => _isHeadFinal;

    /// <summary>Takes a head that was put into the map; false when the response is malformed.</summary>
    public bool TakeHead(HeaderMap head, bool endStream, long contentLength)
    {
        if (!HttpText.TryParseLength(head[KnownHeader.Status], out var code) || code is < 100 or 101) return false;
        if (code < 200)
        {
            if (endStream || ++_informational > MostInformational) return false;
        }
        else
        {
            _isHeadFinal = true;
            var hasNone = _answersHead || code is 204 or 304;
            if (!hasNone && !_isUpgrade) Stream.ContentLeft = contentLength;
            if (endStream && Stream.ContentLeft > 0) return false;
            _responseBody = hasNone || endStream ? BodyKind.None : contentLength >= 0 ? BodyKind.Length : BodyKind.Chunked;
        }
        _code = (int)code;
        _isHeadThere = true;
        _wanted = null;
        return true;
    }

    private void Leave(Http2Error error)
    {
        if (!_isOpen) return;
        _isOpen = false;
        if (Stream is { Id: > 0, End: StreamEnd.None } && !(Stream.LocalEnded && Stream.RemoteEnded)) _connection.Reset(Stream, error == Http2Error.None && !Stream.LocalEnded ? Http2Error.Cancel : error, tell: false);
        _connection.Finished(this);
    }
}
