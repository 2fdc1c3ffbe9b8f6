using System.Text;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Upstream.Grpc;

/// <summary>
/// A gRPC service that the proxy itself calls: the cluster behind which it is, and what goes with each call. Immutable. Times in milliseconds.
/// Source: envoy.config.core.v3.GrpcService.
/// </summary>
internal sealed record GrpcTarget(string Cluster)
{
    private const int DefaultLargestMessage = 4 << 20;

    /// <summary>:authority of the calls; the cluster's name unless said otherwise.</summary>
    public byte[] Authority { get; init; } = Encoding.ASCII.GetBytes(Cluster);

    /// <summary>Time for a call; null when the configuration does not say, 0 for no limit.</summary>
    public long? TimeoutMs { get; init; }

    /// <summary>Headers of every call.</summary>
    public (byte[] Name, byte[] Value)[] Metadata { get; init; } = [];

    /// <summary>Bytes of the largest message that is taken.</summary>
    public int LargestMessage { get; init; } = DefaultLargestMessage;

    /// <exception cref="ConfigRefusedException">The service is not reached through a cluster, or is to be called in a way that is not supported.</exception>
    public static GrpcTarget Compile(GrpcService? service, string path)
    {
        if (service?.EnvoyGrpc is not { ClusterName.Length: > 0 } envoy) throw new ConfigRefusedException(path, "names no cluster (envoy_grpc)");
        if (service.RetryPolicy is not null) throw new ConfigRefusedException(path + ".retry_policy", "is not supported");
        if (envoy.RetryPolicy is not null) throw new ConfigRefusedException(path + ".envoy_grpc.retry_policy", "is not supported");
        return new GrpcTarget(envoy.ClusterName)
        {
            Authority = Encoding.ASCII.GetBytes(envoy.Authority.Length > 0 ? envoy.Authority : envoy.ClusterName),
            TimeoutMs = Durations.Ms(service.Timeout),
            Metadata = [.. service.InitialMetadata.Select((header, i) => Header(header, $"{path}.initial_metadata[{i}]"))],
            LargestMessage = envoy.MaxReceiveMessageLength is { } most and > 0 ? (int)Math.Min(most, int.MaxValue) : DefaultLargestMessage,
        };
    }

    private static (byte[], byte[]) Header(HeaderValue header, string path)
    {
        if (header.Key.Length == 0) throw new ConfigRefusedException(path + ".key", "is empty");
        if (header.Value.Contains('%')) throw new ConfigRefusedException(path + ".value", "operators are not supported here");
        return (Encoding.ASCII.GetBytes(header.Key.ToLowerInvariant()), header.RawValue.Length > 0 ? header.RawValue.ToByteArray() : Encoding.UTF8.GetBytes(header.Value));
    }
}
