using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Lateen.Rpc.Framing;

namespace Lateen.Rpc.Server;

/// <summary>One call on the server, from its headers to its status. Owned by the call.</summary>
internal sealed class ServerCallRun(RpcServerTransport transport, RpcServiceTable table)
{
    private RpcServerCall _call = null!;
    private string? _encoding;
    private bool _started;

    /// <summary>
    /// 1. read headers and deadline; 2. run the handler; 3. map its outcome on a status; 4. send the trailers.
    /// </summary>
    public async Task RunAsync(string path, Func<ServerCallRun, RpcServerCall, Task>? handler)
    {
        // 1
        var headers = new RpcMetadata();
        string? timeoutText = null;
        foreach (var (name, value) in transport.RequestHeaders)
        {
            if (name.Equals("grpc-timeout", StringComparison.OrdinalIgnoreCase)) timeoutText = value;
            else if (name.Equals("grpc-encoding", StringComparison.OrdinalIgnoreCase)) _encoding = value;
            if (!RpcMetadata.IsReserved(name)) headers.Add(name, value);
        }
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(transport.Aborted);
        var hasDeadline = WireText.TryParseTimeout(timeoutText, out var timeout);
        if (hasDeadline && timeout.TotalMilliseconds < int.MaxValue) cancel.CancelAfter(timeout);
        _call = new RpcServerCall(transport, headers, hasDeadline ? DateTimeOffset.UtcNow + timeout : null, cancel.Token);

        // 2, 3
        var status = RpcStatus.Ok;
        try
        {
            if (handler is null) throw new RpcException(RpcStatusCode.Unimplemented, $"unknown method {path}");
            await handler(this, _call).WaitAsync(cancel.Token).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            status = e.Status;
            foreach (var (name, value) in e.Trailers) _call.ResponseTrailers.Add(name, value);
        }
        catch (Exception) when (transport.Aborted.IsCancellationRequested)
        {
            return;
        }
        catch (OperationCanceledException)
        {
            status = cancel.IsCancellationRequested && hasDeadline
                ? new RpcStatus(RpcStatusCode.DeadlineExceeded, "the deadline has passed")
                : new RpcStatus(RpcStatusCode.Cancelled, "the call was cancelled");
        }
        catch (Exception e)
        {
            table.OnHandlerError?.Invoke(path, e);
            status = new RpcStatus(RpcStatusCode.Unknown, $"{e.GetType().Name}: {e.Message}");
        }

        // 4
        try
        {
            await StartAsync().ConfigureAwait(false);
            foreach (var (name, value) in _call.ResponseTrailers) transport.AddTrailer(name, value);
            transport.AddTrailer("grpc-status", ((int)status.Code).ToString(CultureInfo.InvariantCulture));
            if (!string.IsNullOrEmpty(status.Message)) transport.AddTrailer("grpc-message", WireText.EncodeMessage(status.Message));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The client went away while its status was on the way.
        }
    }

    public async Task<T> ReadOneAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        await ReadAsync(parser, _call.Cancel).ConfigureAwait(false) ?? throw new RpcException(RpcStatusCode.Internal, "the request has no message");

    public async IAsyncEnumerable<T> ReadAllAsync<T>(MessageParser<T> parser, [EnumeratorCancellation] CancellationToken cancel = default)
        where T : class, IMessage<T>
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _call.Cancel);
        while (await ReadAsync(parser, either.Token).ConfigureAwait(false) is { } message) yield return message;
    }

    public async ValueTask WriteAsync(IMessage message)
    {
        _call.Cancel.ThrowIfCancellationRequested();
        await StartAsync().ConfigureAwait(false);
        if (message is IPiecewiseMessage pieces)
        {
            await MessageFraming.WriteAsync(transport.Response, pieces, FlushAsync).ConfigureAwait(false);
            return;
        }
        MessageFraming.Write(transport.Response, message);
        await FlushAsync().ConfigureAwait(false);
    }

    private async ValueTask FlushAsync()
    {
        var flushed = await transport.Response.FlushAsync(_call.Cancel).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new OperationCanceledException("the client is gone");
    }

    private ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancel)
        where T : class, IMessage<T> =>
        MessageFraming.ReadAsync(transport.Request, parser, table.MaxReceiveMessageSize, _encoding, cancel);

    private Task StartAsync()
    {
        if (_started) return Task.CompletedTask;
        _started = true;
        transport.SetHeader("content-type", WireText.ContentType);
        transport.SetHeader("grpc-accept-encoding", "identity,gzip");
        foreach (var (name, value) in _call.ResponseHeaders) transport.SetHeader(name, value);
        return transport.StartAsync();
    }
}
