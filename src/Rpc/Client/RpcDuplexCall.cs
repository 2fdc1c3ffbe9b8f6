using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Lateen.Rpc.Framing;

namespace Lateen.Rpc.Client;

/// <summary>
/// One call in progress. One writer and one reader may use it at the same time; nothing else is shared.
/// </summary>
public sealed class RpcDuplexCall<TRequest, TResponse> : IAsyncDisposable
    where TRequest : class, IMessage<TRequest>, new()
    where TResponse : class, IMessage<TResponse>, new()
{
    private readonly RpcMethod<TRequest, TResponse> _method;
    private readonly RpcChannelOptions _channel;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _lifetime;
    private readonly long _deadline = long.MaxValue;
    private readonly RequestStreamContent _content = new();
    private readonly ArrayBufferWriter<byte> _writeBuffer = new(256);
    private readonly Task<HttpResponseMessage> _response;
    private volatile bool _isDisposed;

    internal RpcDuplexCall(
        HttpMessageInvoker invoker, Uri uri, RpcMethod<TRequest, TResponse> method, RpcChannelOptions channel, RpcCallOptions options, CancellationToken cancel)
    {
        (_method, _channel, _caller) = (method, channel, cancel);
        _lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var request = new HttpRequestMessage(HttpMethod.Post, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = _content,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-accept-encoding", "identity,gzip");
        request.Headers.TryAddWithoutValidation("user-agent", "grpc-lateen/1.0");
        if (options.Timeout is { } timeout)
        {
            _deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
            request.Headers.TryAddWithoutValidation("grpc-timeout", WireText.FormatTimeout(timeout));
            _lifetime.CancelAfter(timeout > TimeSpan.Zero ? timeout : TimeSpan.FromTicks(1));
        }
        foreach (var (name, value) in options.Headers ?? []) request.Headers.TryAddWithoutValidation(name, value);
        _response = SendAsync(invoker, request);
    }

    /// <summary>The response's headers; there once it has begun.</summary>
    public RpcMetadata ResponseHeaders { get; } = new();

    /// <summary>The response's trailers; there once it has ended.</summary>
    public RpcMetadata ResponseTrailers { get; } = new();

    /// <summary>Sends one message.</summary>
    /// <exception cref="RpcException">The call is over; its status says why.</exception>
    public async Task WriteAsync(TRequest message)
    {
        try
        {
            var stream = await _content.Opened.WaitAsync(_lifetime.Token).ConfigureAwait(false);
            _writeBuffer.ResetWrittenCount();
            MessageFraming.Write(_writeBuffer, message);
            await stream.WriteAsync(_writeBuffer.WrittenMemory, _lifetime.Token).ConfigureAwait(false);
            await stream.FlushAsync(_lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Failure(e);
        }
    }

    /// <summary>Says that no more messages follow.</summary>
    public Task CompleteAsync()
    {
        _content.Complete();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Sends the only message of the call. A server may end the call before it has read the whole message (because it is too large, or of
    /// no method): the status says so to whoever reads, so a write that broke off is no error of its own.
    /// </summary>
    internal async Task WriteOnlyAsync(TRequest message)
    {
        try
        {
            await WriteAsync(message).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.Status.Code != RpcStatusCode.DeadlineExceeded)
        {
            // Reading tells why.
        }
        _content.Complete();
    }

    /// <summary>The responses, until the call ends with success.</summary>
    /// <exception cref="RpcException">The call ended in another way.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _lifetime.Token);
        var (reader, encoding) = await ReceiveAsync(BeginReadAsync, cancel, either.Token).ConfigureAwait(false);
        while (await ReceiveAsync(token => ReadAsync(reader, encoding, token), cancel, either.Token).ConfigureAwait(false) is { } message) yield return message;
        var status = ReadStatus(await _response.ConfigureAwait(false));
        if (status.Code != RpcStatusCode.Ok) throw new RpcException(status) { Trailers = ResponseTrailers };
    }

    /// <summary>Cancels what is left of the call.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        await _lifetime.CancelAsync().ConfigureAwait(false);
        _content.Complete();
        try
        {
            (await _response.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // It never began.
        }
        _lifetime.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, HttpRequestMessage request)
    {
        try
        {
            return await invoker.SendAsync(request, _lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            var failure = Failure(e);
            _content.Fail(failure);
            throw failure;
        }
    }

    private async ValueTask<(PipeReader Reader, string? Encoding)> BeginReadAsync(CancellationToken cancel)
    {
        var response = await _response.WaitAsync(cancel).ConfigureAwait(false);
        foreach (var (name, values) in response.Headers)
            foreach (var value in values)
                ResponseHeaders.Add(name, value);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new RpcException(FromHttpStatus(response.StatusCode), $"the server answered with HTTP status {(int)response.StatusCode}");
        if (response.Content.Headers.ContentType?.MediaType?.StartsWith(WireText.ContentType, StringComparison.Ordinal) != true)
            throw new RpcException(RpcStatusCode.Unknown, $"the server answered with content type '{response.Content.Headers.ContentType}'");
        return (PipeReader.Create(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false)), ResponseHeaders["grpc-encoding"]);
    }

    private ValueTask<TResponse?> ReadAsync(PipeReader reader, string? encoding, CancellationToken cancel) =>
        MessageFraming.ReadAsync(reader, _method.ResponseParser, _channel.MaxReceiveMessageSize, encoding, cancel);

    /// <summary>A step of reading, whose failure is told as the reader's own cancellation, the caller's, the deadline, or a status.</summary>
    private async ValueTask<T> ReceiveAsync<T>(Func<CancellationToken, ValueTask<T>> step, CancellationToken reader, CancellationToken either)
    {
        try
        {
            return await step(either).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not RpcException)
        {
            reader.ThrowIfCancellationRequested();
            throw Failure(e);
        }
    }

    private RpcStatus ReadStatus(HttpResponseMessage response)
    {
        foreach (var (name, values) in response.TrailingHeaders)
            foreach (var value in values)
                ResponseTrailers.Add(name, value);
        var from = ResponseTrailers["grpc-status"] is null ? ResponseHeaders : ResponseTrailers;
        if (from["grpc-status"] is not { } code) return new RpcStatus(RpcStatusCode.Internal, "the response ended without a status");
        return int.TryParse(code, out var number)
            ? new RpcStatus((RpcStatusCode)number, WireText.DecodeMessage(from["grpc-message"]))
            : new RpcStatus(RpcStatusCode.Unknown, $"the status '{code}' is not a number");
    }

    private Exception Failure(Exception e)
    {
        if (e is RpcException) return e;
        if (_caller.IsCancellationRequested) return new OperationCanceledException("the call was cancelled", e, _caller);
        if (_isDisposed) return new OperationCanceledException("the call was disposed of", e);
        // A server that was told of the deadline may end the call before our own timer has fired: what the clock says counts.
        if (_deadline != long.MaxValue && (_lifetime.IsCancellationRequested || Environment.TickCount64 >= _deadline)) return new RpcException(RpcStatusCode.DeadlineExceeded, "the deadline has passed", e);
        for (var cause = e; cause is not null; cause = cause.InnerException)
            if (cause is HttpProtocolException protocol)
                return new RpcException(FromResetCode(protocol.ErrorCode), $"the stream was reset with HTTP/2 code {protocol.ErrorCode}", e);
        return new RpcException(RpcStatusCode.Unavailable, e.Message, e);
    }

    /// <summary>Source: grpc/grpc doc/http-grpc-status-mapping.md.</summary>
    private static RpcStatusCode FromHttpStatus(HttpStatusCode status) => (int)status switch
    {
        400 => RpcStatusCode.Internal,
        401 => RpcStatusCode.Unauthenticated,
        403 => RpcStatusCode.PermissionDenied,
        404 => RpcStatusCode.Unimplemented,
        429 or 502 or 503 or 504 => RpcStatusCode.Unavailable,
        _ => RpcStatusCode.Unknown,
    };

    /// <summary>Source: grpc/grpc doc/PROTOCOL-HTTP2.md, "Errors".</summary>
    private static RpcStatusCode FromResetCode(long code) => code switch
    {
        7 => RpcStatusCode.Unavailable,
        8 => RpcStatusCode.Cancelled,
        11 => RpcStatusCode.ResourceExhausted,
        12 => RpcStatusCode.PermissionDenied,
        _ => RpcStatusCode.Internal,
    };
}
