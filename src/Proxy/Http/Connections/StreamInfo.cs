using Lateen.Proxy.Network;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Tracing;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// What logs, statistics and traces may want to know of one stream or connection. Reused; owned by one worker. Times are the
/// worker's milliseconds.
/// </summary>
internal sealed class StreamInfo
{
    public DateTime StartUtc;
    public long Start, RequestEnd, UpstreamFirstByte, UpstreamRequestEnd, FirstByteSent, End;
    public long BytesReceived, BytesSent;
    public int Status;
    public string Details = "";
    public string TransportFailure = "";
    public ResponseFlags Flags;
    public string RouteName = "";
    public string Cluster = "";
    public HostState? UpstreamHost;
    public SocketAddress UpstreamLocal, DownstreamRemote, DownstreamLocal, DownstreamDirectRemote;
    public string RequestedServerName = "";
    public string Protocol = "";
    /// <summary>What the handshakes told; null where there was none.</summary>
    public TlsFacts? DownstreamTls, UpstreamTls;
    public int Attempts;
    public ulong ConnectionId;
    public string ConnectionTermination = "";
    public string ListenerName = "";
    public TraceReason TraceReason;

    /// <summary>A connection rather than a request.</summary>
    public bool IsTcp;

    /// <summary>A health check that this proxy answered or passed on as such.</summary>
    public bool IsHealthCheck;

    /// <summary>filter_metadata.istio of the cluster.</summary>
    public Google.Protobuf.WellKnownTypes.Struct? ClusterFacts;

    public DynamicMetadata Metadata { get; } = new();

    public FilterState FilterState { get; } = new();

    public void Reset(long now, DateTime utc)
    {
        (StartUtc, Start, RequestEnd, UpstreamFirstByte, UpstreamRequestEnd, FirstByteSent, End) = (utc, now, 0, 0, 0, 0, 0);
        (BytesReceived, BytesSent, Status, Attempts) = (0, 0, 0, 0);
        (Details, TransportFailure, RouteName, Cluster, Protocol, ConnectionTermination) = ("", "", "", "", "", "");
        Metadata.Clear();
        FilterState.Clear();
        (Flags, UpstreamHost, UpstreamLocal) = (ResponseFlags.None, null, default);
        (UpstreamTls, TraceReason, IsHealthCheck, ClusterFacts) = (null, TraceReason.None, false, null);
    }

    /// <summary>Takes flag and details of a reason.</summary>
    public void EndedBy(EndReason reason)
    {
        ref readonly var row = ref EndRow.Of(reason);
        Flags |= row.Flag;
        Details = row.Details;
        if (Status == 0) Status = row.Status;
    }
}
