using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lateen.Rpc.Server;

/// <summary>
/// The methods that a server offers. Filled once, then read by any thread.
/// </summary>
public sealed class RpcServiceTable
{
    private readonly Dictionary<string, ServerMethod> _methods = new(StringComparer.Ordinal);

    /// <summary>Full names of the services, sorted.</summary>
    public IReadOnlyList<string> Services => [.. _methods.Values.Select(method => method.Service).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>HTTP paths of the methods.</summary>
    public IReadOnlyCollection<string> Paths => _methods.Keys;

    /// <summary>Descriptors of the messages in use; reflection finds the files through them.</summary>
    public IEnumerable<MessageDescriptor> MessageTypes => _methods.Values.SelectMany(method => method.MessageTypes);

    /// <summary>Largest request message in bytes.</summary>
    public int MaxReceiveMessageSize { get; set; } = 4 << 20;

    /// <summary>Told of every exception of a handler that is not an <see cref="RpcException"/>.</summary>
    public Action<string, Exception>? OnHandlerError { get; set; }

    /// <summary>One request, one response.</summary>
    public RpcServiceTable Unary<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, Func<TRequest, RpcServerCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        Add(method, async (run, call) => await run.WriteAsync(await handler(await run.ReadOneAsync(method.RequestParser), call)));

    /// <summary>Many requests, one response.</summary>
    public RpcServiceTable ClientStream<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, RpcServerCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        Add(method, async (run, call) => await run.WriteAsync(await handler(run.ReadAllAsync(method.RequestParser), call)));

    /// <summary>One request, many responses.</summary>
    public RpcServiceTable ServerStream<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, Func<TRequest, RpcResponseWriter<TResponse>, RpcServerCall, Task> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        Add(method, async (run, call) => await handler(await run.ReadOneAsync(method.RequestParser), new RpcResponseWriter<TResponse>(run), call));

    /// <summary>Many requests and responses, independent of each other.</summary>
    public RpcServiceTable Duplex<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, RpcResponseWriter<TResponse>, RpcServerCall, Task> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        Add(method, (run, call) => handler(run.ReadAllAsync(method.RequestParser), new RpcResponseWriter<TResponse>(run), call));

    /// <summary>Adds all methods of another table.</summary>
    public RpcServiceTable Add(RpcServiceTable other)
    {
        foreach (var (path, method) in other._methods) _methods[path] = method;
        return this;
    }

    /// <summary>
    /// Serves one call from its first byte to its trailers. Never throws: every failure becomes the status of the call. An
    /// unknown path is <see cref="RpcStatusCode.Unimplemented"/>.
    /// </summary>
    public Task ServeAsync(string path, RpcServerTransport transport) =>
        new ServerCallRun(transport, this).RunAsync(path, _methods.TryGetValue(path, out var method) ? method.Handle : null);

    private RpcServiceTable Add<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, Func<ServerCallRun, RpcServerCall, Task> handle)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        _methods[method.Path] = new ServerMethod(method.Service, handle, [new TRequest().Descriptor, new TResponse().Descriptor]);
        return this;
    }

    private sealed record ServerMethod(string Service, Func<ServerCallRun, RpcServerCall, Task> Handle, MessageDescriptor[] MessageTypes);
}
