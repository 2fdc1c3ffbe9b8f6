using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream.Grpc;

/// <summary>
/// One gRPC call of the proxy's own: messages out, messages in, the status at the end. Reading and writing are independent; one reader, while
/// writers take turns by themselves. It ends by exactly one <see cref="Close"/>. Owned by one worker. Source: grpc/grpc
/// doc/PROTOCOL-HTTP2.md.
/// </summary>
internal sealed class GrpcStream
{
    private const int PrefixBytes = 5;

    /// <summary>Statuses of gRPC that the proxy itself gives. Source: grpc/grpc doc/statuscodes.md.</summary>
    public const int Ok = 0, Cancelled = 1, Unknown = 2, DeadlineExceeded = 4, ResourceExhausted = 8, Internal = 13, Unavailable = 14;

    private readonly CallRun _run;
    private readonly UpstreamStream _stream;
    private readonly int _largestMessage;
    private readonly HeaderMap _head = new();
    private readonly Queue<byte[]> _outgoing = new();
    private byte[] _incoming = [];
    private int _start, _end;
    private bool _isHeadRead, _isSending, _isBroken;

    private GrpcStream(CallRun run, UpstreamStream stream, int largestMessage) => (_run, _stream, _largestMessage) = (run, stream, largestMessage);

    public Worker Worker => _run.Worker;

    /// <summary>gRPC's status; negative while the call goes on.</summary>
    public int Status { get; private set; } = -1;

    /// <summary>What the server says about the status.</summary>
    public string Message { get; private set; } = "";

    /// <summary>Headers of the answer, once the first read is over.</summary>
    public HeaderMap Head => _head;

    /// <summary>
    /// Begins a call; null, and why, when there is no connection for it. The timeout, in milliseconds, is for all of it; 0 for no limit.
    /// </summary>
    public static async ValueTask<(GrpcStream? Stream, int Status)> OpenAsync(ProxyContext context, Worker worker, GrpcTarget target, string path, long timeoutMs, IReadOnlyList<(byte[], byte[])>? metadata = null)
    {
        if (CallRun.TryBegin(context, worker, target.Cluster, timeoutMs, out var run) != CallStatus.Ok) return (null, Unavailable);
        if (await run!.ConnectAsync() is not { } upstream)
        {
            run.Finish(whole: false);
            return (null, run.TimedOut ? DeadlineExceeded : Unavailable);
        }
        var head = new HeaderMap();
        head.Add(KnownHeader.Method, "POST"u8);
        head.Add(KnownHeader.Scheme, upstream.Tls is null ? "http"u8 : "https"u8);
        head.Add(KnownHeader.Path, Encoding.ASCII.GetBytes(path));
        head.Add(KnownHeader.Authority, target.Authority);
        head.Add(KnownHeader.ContentType, "application/grpc"u8);
        head.Add(KnownHeader.Te, "trailers"u8);
        if (timeoutMs > 0) head.Add(KnownHeader.GrpcTimeout, Encoding.ASCII.GetBytes(timeoutMs.ToString(CultureInfo.InvariantCulture) + "m"));
        foreach (var (name, value) in target.Metadata) head.Add(name, value);
        foreach (var (name, value) in metadata ?? []) head.Add(name, value);
        upstream.BeginRequest(head, BodyKind.Chunked, upgrade: false);
        return (new GrpcStream(run, upstream, target.LargestMessage), Ok);
    }

    /// <summary>
    /// Sends a message, behind those that are being sent; false when the call is broken.
    /// </summary>
    public async ValueTask<bool> SendAsync(IMessage message)
    {
        if (_isBroken || _run.Stream is null) return false;
        _outgoing.Enqueue(Frame(message));
        // Who sends already sends this one too.
        if (_isSending) return true;
        _isSending = true;
        while (!_isBroken && _outgoing.TryDequeue(out var frame)) _isBroken = _run.Stream is null || !await _stream.SendAsync(frame);
        _isSending = false;
        return !_isBroken;
    }

    /// <summary>Says that no more messages will come. Call it when nothing is being sent.</summary>
    public async ValueTask<bool> CompleteAsync() => !_isBroken && _run.Stream is not null && await _stream.EndAsync(null);

    /// <summary>The next message's bytes, valid until the next call; null when there is none any more: <see cref="Status"/> says why.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync()
    {
        if (Status >= 0 || !_isHeadRead && !await ReadHeadAsync()) return null;
        while (true)
        {
            if (TryTake(out var message)) return message;
            if (Status >= 0) return null;
            var (status, data) = await _stream.ReadBodyAsync();
            if (status == ReadStatus.Ok)
            {
                Keep(data.Span);
                _stream.Advance();
                continue;
            }
            if (status != ReadStatus.End) Fail();
            else if (_end > _start) End(Internal, "the stream ended inside a message");
            else if (_stream.ResponseTrailers is { } trailers && GrpcStatus.Of(trailers, _head) is >= 0 and var code) End(code, Text(trailers[KnownHeader.GrpcMessage]));
            else if (GrpcStatus.Of(null, _head) is >= 0 and var early) End(early, Text(_head[KnownHeader.GrpcMessage]));
            else End(Unknown, "the stream ended without a status");
            return null;
        }
    }

    /// <summary>Moves the call's timer.</summary>
    /// <param name="timeoutMs">Milliseconds from now; 0 for no limit.</param>
    public void LimitTo(long timeoutMs) => _run.LimitTo(timeoutMs);

    /// <summary>Ends every wait on the call.</summary>
    public void Abort() => _run.Abort();

    /// <summary>Ends the call: gives its place back, or resets it when it is not over.</summary>
    public void Close() => _run.Finish(Status >= 0 && _stream.IsResponseDone);

    private async ValueTask<bool> ReadHeadAsync()
    {
        int code;
        do
        {
            ReadStatus read;
            (read, code, _) = await _stream.ReadHeadAsync(_head, answersHead: false, upgrade: false);
            if (read == ReadStatus.Ok) continue;
            Fail();
            return false;
        }
        while (code < 200);
        _isHeadRead = true;
        _run.Answered(code);
        if (code == 200) return true;
        End(StatusOf(code), $"HTTP status {code}");
        return false;
    }

    private void Fail()
    {
        _isBroken = true;
        End(_run.TimedOut ? DeadlineExceeded : _run.IsAborted ? Cancelled : Unavailable, _run.TimedOut ? "the time is over" : "the stream was lost");
    }

    private void End(int status, string message) => (Status, Message) = (status, message);

    /// <summary>Takes a whole message out of what has come.</summary>
    private bool TryTake(out ReadOnlyMemory<byte> message)
    {
        message = default;
        var span = _incoming.AsSpan(_start, _end - _start);
        if (span.Length < PrefixBytes) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(span[1..]);
        if (span[0] != 0) End(Internal, "a compressed message, which was not asked for");
        else if (length > _largestMessage) End(ResourceExhausted, $"a message of {length} bytes");
        else if (span.Length >= PrefixBytes + length)
        {
            message = _incoming.AsMemory(_start + PrefixBytes, (int)length);
            _start += PrefixBytes + (int)length;
            return true;
        }
        return false;
    }

    private void Keep(ReadOnlySpan<byte> data)
    {
        var length = _end - _start;
        if (_start > 0) _incoming.AsSpan(_start, length).CopyTo(_incoming);
        (_start, _end) = (0, length);
        if (_end + data.Length > _incoming.Length) Array.Resize(ref _incoming, Math.Max(_incoming.Length * 2, _end + data.Length));
        data.CopyTo(_incoming.AsSpan(_end));
        _end += data.Length;
    }

    private static byte[] Frame(IMessage message)
    {
        var size = message.CalculateSize();
        var frame = new byte[PrefixBytes + size];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        message.WriteTo(frame.AsSpan(PrefixBytes));
        return frame;
    }

    private static string Text(ReadOnlySpan<byte> message) => Uri.UnescapeDataString(Encoding.UTF8.GetString(message));

    /// <summary>The status that an HTTP status stands for. Source: grpc/grpc doc/http-grpc-status-mapping.md.</summary>
    public static int StatusOf(int code) => code switch
    {
        400 => Internal,
        401 => 16,
        403 => 7,
        404 => 12,
        429 or 502 or 503 or 504 => Unavailable,
        _ => Unknown,
    };
}
