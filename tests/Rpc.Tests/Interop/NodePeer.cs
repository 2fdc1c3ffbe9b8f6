using Lateen.Support;

namespace Lateen.Rpc.Tests.Interop;

/// <summary>npm's <c>@grpc/grpc-js</c>, another implementation of gRPC than that of the interoperability programs.</summary>
internal static class NodePeer
{
    /// <summary>Starts one of the scripts of <c>Peers</c>.</summary>
    public static Task<LocalProcess> StartAsync(string script, params string[] arguments)
    {
        var built = AppContext.BaseDirectory;
        return NodePrograms.StartAsync(Path.Combine(built, "Peers", script), [Path.Combine(built, "Protos", "interop.proto"), .. arguments], ["@grpc/grpc-js", "@grpc/proto-loader"]);
    }
}
