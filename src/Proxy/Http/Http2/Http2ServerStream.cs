using System.Runtime.CompilerServices;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Http2.Hpack;
using Lateen.Proxy.Workers;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Http.Http2;

/// <summary>One request of a client's connection and the exchange that serves it. Reused for streams of any connection of its worker. Owned by one worker.</summary>
internal sealed class Http2ServerStream : DownstreamStream, IStreamOwner
{
    private readonly Signal _start = new();
    private readonly ILogger _log;
    private Http2ServerConnection _connection = null!;
    private BodyKind _requestBody;
    private EndReason _refusal;
    private bool _continueOwed;
    private bool _isTunnel;
    private long _received, _sent;

    public Http2ServerStream(Worker worker, ProxyContext context)
    {
        _log = context.Log;
        Stream = new Http2Stream(this);
        Exchange = new HttpExchange(worker, this, context);
        _ = ServeAsync();
    }

    public Http2Stream Stream { get; }

    public HttpExchange Exchange { get; }

    public override BodyKind RequestBody => _requestBody;

    public override bool IsRequestDone => _requestBody == BodyKind.None || Stream.RemoteEnded && !Stream.HasBytes;

    public override bool IsHttp10 => false;

    public override bool IsMultiplexed => true;

    public override HeaderMap? RequestTrailers => Stream.HasTrailers ? Stream.Trailers : null;

    public override (long Received, long Sent) Traffic => (_received, _sent);

    /// <summary>Serves the request whose head is in the exchange, or answers why it is not served.</summary>
    public void Start(Http2ServerConnection connection, BodyKind body, int headBytes, EndReason refusal)
    {
        (_connection, _requestBody, _refusal, _isTunnel, _received, _sent) = (connection, body, refusal, false, headBytes, 0);
        _continueOwed = !connection.Hcm.Proxy100Continue && HttpText.EqualsIgnoreCase(Exchange.Request[KnownHeader.Expect], "100-continue"u8);
        _start.Complete(true);
    }

    public void OnBroken() => OnGone?.Invoke();

    public override ValueTask<(ReadStatus Status, ReadOnlyMemory<byte> Data)> ReadBodyAsync()
    {
        if (_continueOwed && !Stream.HasBytes && !Stream.RemoteEnded && Stream.End == StreamEnd.None)
        {
            HpackEncoder.Status(_connection.BeginBlock(), 100);
            _connection.SendBlock(Stream.Id, endStream: false);
        }
        _continueOwed = false;
        return Stream.ReadAsync();
    }

    public override void Advance() => Stream.Advance();

    public override void BeginTunnel() => _isTunnel = true;

    public override void WriteInformational(HeaderMap headers, int status)
    {
        if (Stream.End != StreamEnd.None) return;
        _continueOwed = false;
        SendHead(headers, status, endStream: false);
    }

    public override void BeginResponse(HeaderMap headers, int status, BodyKind body, bool close, bool upgrade)
    {
        if (Stream.End != StreamEnd.None) return;
        _continueOwed = false;
        // An accepted upgrade came as CONNECT, whose success is 200 (RFC 8441 section 5).
        if (upgrade) status = 200;
        var ends = body == BodyKind.None && !upgrade;
        Stream.LocalEnded = ends;
        SendHead(headers, status, ends);
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty) return new ValueTask<bool>(Stream.End == StreamEnd.None);
        _sent += body.Length;
        return Stream.SendAsync(body);
    }

    public override ValueTask<bool> EndAsync(HeaderMap? trailers)
    {
        if (Stream.End != StreamEnd.None) return new ValueTask<bool>(false);
        if (Stream.LocalEnded) return new ValueTask<bool>(true);
        if (trailers is { Count: > 0 })
        {
            Stream.LocalEnded = true;
            var block = _connection.BeginBlock();
            WriteFields(block, trailers);
            _sent += block.Length;
            _connection.SendBlock(Stream.Id, endStream: true);
        }
        else _connection.EndStream(Stream);
        return new ValueTask<bool>(true);
    }

    public override void AbortWaits() => Stream.EndWaits();

    public override void ShutdownSending()
    {
        if (Stream is { End: StreamEnd.None, LocalEnded: false }) _connection.EndStream(Stream);
    }

    private void SendHead(HeaderMap headers, int status, bool endStream)
    {
        var block = _connection.BeginBlock();
        HpackEncoder.Status(block, status);
        WriteFields(block, headers);
        _sent += block.Length;
        _connection.SendBlock(Stream.Id, endStream);
    }

    private static void WriteFields(ByteBuilder block, HeaderMap headers)
    {
        for (var place = 0; place < headers.Places; place++)
            if (headers.TryAt(place, out var known, out var name, out var value) && known is not (>= KnownHeader.Method and <= KnownHeader.Status) && !HttpText.IsHop(known))
                HpackEncoder.Field(block, known, name, value);
    }

    /// <summary>One request after the other, for as long as the object lives: so that a stream costs no object of its own.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ServeAsync()
    {
        while (await _start.Wait())
        {
            try
            {
                if (_refusal == EndReason.None) await Exchange.RunAsync(_connection.Hcm);
                else await Exchange.RefuseAsync(_connection.Hcm, _refusal);
            }
            catch (Exception e)
            {
                _log.LogError(e, "serving a stream failed");
            }
            Finish();
        }
    }

    private void Finish()
    {
        if (Stream.End == StreamEnd.None)
        {
            if (!Stream.LocalEnded) _connection.Reset(Stream, _isTunnel ? Http2Error.ConnectError : Http2Error.InternalError, tell: false);
            // The answer is complete: the client need not send the rest (RFC 9113 section 8.1).
            else if (!Stream.RemoteEnded) _connection.Reset(Stream, Http2Error.None, tell: false);
        }
        _connection.Finished(this);
    }
}
