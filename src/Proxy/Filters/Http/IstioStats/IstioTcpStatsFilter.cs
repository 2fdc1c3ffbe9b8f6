using Istio.Extensions.Stats;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Filters.Http.PeerMetadata;
using Lateen.Proxy.Filters.Network;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using TrafficDirection = Envoy.Config.Core.V3.TrafficDirection;

namespace Lateen.Proxy.Filters.Http.IstioStats;

/// <summary>
/// Istio's standard metrics of TCP connections: opened, closed, bytes both ways, counted when a connection ends. Immutable.
/// differs: Istio reports the bytes of an open connection every five seconds too.
/// </summary>
internal sealed class IstioTcpStatsFilter : INetworkFilter
{
    private readonly MetricReporter _reporter;
    private readonly WorkloadFacts _self;
    private readonly MetricOverrides _overrides;
    private readonly StatsStore _stats;

    private IstioTcpStatsFilter(PluginConfig config, string path, FilterContext context)
    {
        _reporter = config.Reporter == Reporter.ServerGateway ? MetricReporter.Waypoint : context.Direction == TrafficDirection.Inbound ? MetricReporter.Destination : MetricReporter.Source;
        _self = WorkloadFacts.Of(context.Node.Metadata, []);
        (_overrides, _stats) = (MetricOverrides.Compile(config, path), context.Stats);
    }

    public static IstioTcpStatsFilter Compile(PluginConfig config, string path, FilterContext context) => new(config, path, context);

    public ValueTask<bool> OnFirstBytesAsync(DownstreamConnection connection, StreamInfo info) => new(true);

    public void OnEnd(DownstreamConnection connection, StreamInfo info)
    {
        var (isServer, worker, none) = (_reporter != MetricReporter.Source, connection.Stream.Worker, new HeaderMap());
        var tls = isServer ? info.DownstreamTls : info.UpstreamTls;
        var dynamic = _overrides.Evaluate(new FormatContext(info, none, none));
        var key = new MetricKey(
            connection.FindCluster(info.Cluster)?.Snapshot, info.FilterState.Find(isServer ? WorkloadFacts.DownstreamKey : WorkloadFacts.UpstreamKey) as WorkloadFacts,
            isServer ? null : info.UpstreamHost?.IstioWorkload, FirstUri(tls?.Peer), FirstUri(tls?.Local), null, null, 0, info.Flags, false, -1, dynamic);
        var labels = new MetricLabels(key, _reporter, _self, dynamic, "tcp");
        void Count(string metric, long amount)
        {
            if (!_overrides.IsDropped(metric)) _stats.Labeled.Cell(worker, "istio_" + metric, StatKind.Counter, _overrides.Write(metric, labels)).Add(amount);
        }
        Count("tcp_connections_opened_total", 1);
        Count("tcp_sent_bytes_total", info.BytesSent);
        Count("tcp_received_bytes_total", info.BytesReceived);
        Count("tcp_connections_closed_total", 1);
    }

    private static string? FirstUri(Tls.CertificateFacts? certificate) => certificate is { UriNames: [var first, ..] } ? first : null;
}
