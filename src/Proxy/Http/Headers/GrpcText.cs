namespace Lateen.Proxy.Http.Headers;

/// <summary>What tells gRPC from other HTTP. Source: grpc/grpc doc/PROTOCOL-HTTP2.md, Content-Type.</summary>
internal static class GrpcText
{
    /// <summary>"application/grpc", bare, with a format or with parameters; not gRPC-Web.</summary>
    public static bool IsContentType(ReadOnlySpan<byte> type) =>
        type.StartsWith("application/grpc"u8) && (type.Length == 16 || type[16] is (byte)'+' or (byte)';');
}
