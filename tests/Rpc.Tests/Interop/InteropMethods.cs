namespace Lateen.Rpc.Tests.Interop;

/// <summary>The methods of gRPC's interoperability service, for our client and our server. Immutable.</summary>
internal static class InteropMethods
{
    /// <summary>Metadata that the server sends back before its first message.</summary>
    public const string EchoInitial = "x-grpc-test-echo-initial";

    /// <summary>Metadata that the server sends back with the status.</summary>
    public const string EchoTrailing = "x-grpc-test-echo-trailing-bin";

    private const string Service = "grpc.testing.TestService";

    public static readonly RpcMethod<Empty, Empty> EmptyCall = new(RpcKind.Unary, Service, "EmptyCall");

    public static readonly RpcMethod<SimpleRequest, SimpleResponse> UnaryCall = new(RpcKind.Unary, Service, "UnaryCall");

    public static readonly RpcMethod<StreamingOutputCallRequest, StreamingOutputCallResponse> StreamingOutputCall = new(RpcKind.ServerStream, Service, "StreamingOutputCall");

    public static readonly RpcMethod<StreamingInputCallRequest, StreamingInputCallResponse> StreamingInputCall = new(RpcKind.ClientStream, Service, "StreamingInputCall");

    public static readonly RpcMethod<StreamingOutputCallRequest, StreamingOutputCallResponse> FullDuplexCall = new(RpcKind.Duplex, Service, "FullDuplexCall");

    public static readonly RpcMethod<StreamingOutputCallRequest, StreamingOutputCallResponse> HalfDuplexCall = new(RpcKind.Duplex, Service, "HalfDuplexCall");

    public static readonly RpcMethod<Empty, Empty> UnimplementedCall = new(RpcKind.Unary, Service, "UnimplementedCall");

    public static readonly RpcMethod<Empty, Empty> UnimplementedService = new(RpcKind.Unary, "grpc.testing.UnimplementedService", "UnimplementedCall");
}
