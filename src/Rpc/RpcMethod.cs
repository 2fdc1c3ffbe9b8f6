using Google.Protobuf;

namespace Lateen.Rpc;

/// <summary>How many messages each side of a call sends.</summary>
public enum RpcKind
{
    /// <summary>One request, one response.</summary>
    Unary,

    /// <summary>Many requests, one response.</summary>
    ClientStream,

    /// <summary>One request, many responses.</summary>
    ServerStream,

    /// <summary>Many of both, independent of each other.</summary>
    Duplex,
}

/// <summary>One method of a gRPC service, as both the client and the server need to know it. Immutable.</summary>
/// <param name="kind">How many messages each side sends.</param>
/// <param name="service">Full name of the service, package included.</param>
/// <param name="name">Name of the method.</param>
public sealed class RpcMethod<TRequest, TResponse>(RpcKind kind, string service, string name)
    where TRequest : class, IMessage<TRequest>, new()
    where TResponse : class, IMessage<TResponse>, new()
{
    /// <summary>How many messages each side sends.</summary>
    public RpcKind Kind { get; } = kind;

    /// <summary>Full name of the service.</summary>
    public string Service { get; } = service;

    /// <summary>Name of the method.</summary>
    public string Name { get; } = name;

    /// <summary>The HTTP path of a call.</summary>
    public string Path { get; } = $"/{service}/{name}";

    internal MessageParser<TRequest> RequestParser { get; } = new(() => new TRequest());

    internal MessageParser<TResponse> ResponseParser { get; } = new(() => new TResponse());
}
