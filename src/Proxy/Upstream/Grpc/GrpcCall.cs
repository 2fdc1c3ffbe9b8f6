using Google.Protobuf;
using Lateen.Proxy.Workers;
using Lateen.Rpc;

namespace Lateen.Proxy.Upstream.Grpc;

/// <summary>The answer to a call of one message; there is one exactly when the status is 0.</summary>
internal readonly record struct GrpcReply<T>(int Status, string Message, T? Answer)
    where T : class;

/// <summary>gRPC calls of one message each way, on a worker's own pools. Owned by one worker.</summary>
internal static class GrpcCall
{
    /// <summary>Sends a message and reads the one that answers it. The timeout, in milliseconds, is for all of it; 0 for no limit.</summary>
    public static async ValueTask<GrpcReply<TResponse>> UnaryAsync<TRequest, TResponse>(
        ProxyContext context, Worker worker, GrpcTarget target, RpcMethod<TRequest, TResponse> method, TRequest request, long timeoutMs, IReadOnlyList<(byte[], byte[])>? metadata = null)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        var (stream, status) = await GrpcStream.OpenAsync(context, worker, target, method.Path, timeoutMs, metadata);
        if (stream is null) return new GrpcReply<TResponse>(status, "there is no connection", null);
        try
        {
            if (!await stream.SendAsync(request) || !await stream.CompleteAsync())
            {
                // The server may have said why it does not listen.
                while (await stream.ReadAsync() is not null)
                {
                }
                return new GrpcReply<TResponse>(stream.Status == 0 ? GrpcStream.Internal : stream.Status, stream.Message, null);
            }
            TResponse? answer = null;
            while (await stream.ReadAsync() is { } message)
            {
                if (answer is not null) return new GrpcReply<TResponse>(GrpcStream.Internal, "more than one answer", null);
                if (!TryParse(message, out answer)) return new GrpcReply<TResponse>(GrpcStream.Internal, "the answer cannot be read", null);
            }
            if (stream.Status != 0) return new GrpcReply<TResponse>(stream.Status, stream.Message, null);
            return answer is null ? new GrpcReply<TResponse>(GrpcStream.Internal, "no answer", null) : new GrpcReply<TResponse>(0, "", answer);
        }
        finally
        {
            stream.Close();
        }
    }

    /// <summary>Reads a message; false when the bytes are none.</summary>
    public static bool TryParse<T>(ReadOnlyMemory<byte> bytes, out T? message)
        where T : class, IMessage<T>, new()
    {
        message = new T();
        try
        {
            message.MergeFrom(bytes.Span);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            message = null;
            return false;
        }
    }
}
