using System.Net;
using System.Net.Sockets;
using Google.Protobuf;

namespace Lateen.Rpc.Client;

/// <summary>
/// Calls gRPC services of one target over HTTP/2: <c>http://host:port</c> in clear text with prior knowledge,
/// <c>https://host:port</c>, or <c>unix:///path</c>. Connects when the first call is made and again when a connection is
/// lost. Any thread.
/// </summary>
public sealed class RpcChannel : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly RpcChannelOptions _options;
    private readonly Uri _base;

    private RpcChannel(Uri @base, HttpMessageInvoker invoker, RpcChannelOptions options) => (_base, _invoker, _options) = (@base, invoker, options);

    /// <summary>Makes a channel; nothing is connected yet.</summary>
    /// <exception cref="UriFormatException">The target is not a URI with one of the three schemes.</exception>
    public static RpcChannel Create(string target, RpcChannelOptions? options = null)
    {
        options ??= new RpcChannelOptions();
        var uri = new Uri(target);
        if (uri.Scheme is not ("http" or "https" or "unix")) throw new UriFormatException($"'{target}': the scheme must be http, https or unix");
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = options.KeepAliveInterval,
            KeepAlivePingTimeout = options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // A configuration of a megabyte must not come in pieces of 64 KiB, each asked for.
            InitialHttp2StreamWindowSize = 4 << 20,
            EnableMultipleHttp2Connections = true,
        };
        if (options.Tls is not null) handler.SslOptions = options.Tls;
        if (uri.Scheme == "unix")
        {
            var endpoint = new UnixDomainSocketEndPoint(uri.LocalPath);
            handler.ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, cancel).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
            uri = new Uri("http://localhost");
        }
        return new RpcChannel(uri, new HttpMessageInvoker(handler), options);
    }

    /// <summary>One request, one response.</summary>
    /// <exception cref="RpcException">The call did not end with success.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was cancelled.</exception>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, TRequest request, RpcCallOptions? options = null, CancellationToken cancel = default)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        await using var call = Open(method, options, cancel);
        await call.WriteOnlyAsync(request).ConfigureAwait(false);
        TResponse? response = null;
        await foreach (var message in call.ReadAllAsync().ConfigureAwait(false))
            response = response is null ? message : throw new RpcException(RpcStatusCode.Internal, "more than one response to a unary call");
        return response ?? throw new RpcException(RpcStatusCode.Internal, "no response to a unary call");
    }

    /// <summary>One request, many responses; the request is sent when the result is first read.</summary>
    public async IAsyncEnumerable<TResponse> OpenServerStream<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, TRequest request, RpcCallOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        await using var call = Open(method, options, cancel);
        await call.WriteOnlyAsync(request).ConfigureAwait(false);
        await foreach (var message in call.ReadAllAsync().ConfigureAwait(false)) yield return message;
    }

    /// <summary>A call of any kind whose messages the caller writes and reads itself. Disposing it cancels what is left of it.</summary>
    public RpcDuplexCall<TRequest, TResponse> OpenDuplex<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, RpcCallOptions? options = null, CancellationToken cancel = default)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() => Open(method, options, cancel);

    /// <summary>Closes the connections; calls that run are cut.</summary>
    public void Dispose() => _invoker.Dispose();

    private RpcDuplexCall<TRequest, TResponse> Open<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, RpcCallOptions? options, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        new(_invoker, new Uri(_base, method.Path), method, _options, options ?? RpcCallOptions.None, cancel);
}
