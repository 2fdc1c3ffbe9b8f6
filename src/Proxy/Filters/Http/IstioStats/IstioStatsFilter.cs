using System.Text;
using Envoy.Config.Core.V3;
using Istio.Extensions.Stats;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.PeerMetadata;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.IstioStats;

/// <summary>Whose view the metrics take.</summary>
internal enum MetricReporter
{
    Source,
    Destination,
    Waypoint,
}

/// <summary>
/// Istio's standard metrics of requests: istio_requests_total and its siblings, with the labels of both peers. What a request
/// counts into is found by a key of references and numbers, so that labels are written once and not for each request.
/// Immutable, but for what each worker found. Source: Istio's proxy, source/extensions/filters/http/istio_stats.
/// </summary>
internal sealed class IstioStatsFilter : IHttpFilter
{
    /// <summary>Distinct label sets of a worker; beyond them the Host header, the only part that clients choose freely, is left out.</summary>
    private const int MostSeries = 20_000;

    private readonly MetricReporter _reporter;
    private readonly bool _usesHost;
    private readonly WorkloadFacts _self;
    private readonly MetricOverrides _overrides;
    private readonly StatsStore _stats;
    private readonly Dictionary<MetricKey, RequestSeries>?[] _series;
    private readonly Dictionary<ulong, string>?[] _hosts;

    private IstioStatsFilter(PluginConfig config, string path, FilterContext context)
    {
        _reporter = config.Reporter == Reporter.ServerGateway ? MetricReporter.Waypoint : context.Direction == TrafficDirection.Inbound ? MetricReporter.Destination : MetricReporter.Source;
        _usesHost = !config.DisableHostHeaderFallback;
        _self = WorkloadFacts.Of(context.Node.Metadata, []);
        _overrides = MetricOverrides.Compile(config, path);
        _stats = context.Stats;
        _series = new Dictionary<MetricKey, RequestSeries>?[context.Stats.Workers];
        _hosts = new Dictionary<ulong, string>?[context.Stats.Workers];
        if (config.RotationInterval is not null) throw new ConfigRefusedException(path + ".rotation_interval", "is not supported");
    }

    public static IstioStatsFilter Compile(PluginConfig config, string path, FilterContext context) => new(config, path, context);

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange) => new(FilterResult.Continue);

    public void OnResponse(HttpExchange exchange)
    {
    }

    /// <summary>The stream is over: counts it.</summary>
    public void OnEnd(HttpExchange exchange)
    {
        var (worker, info) = (exchange.Worker, exchange.Info);
        var known = _series[worker.Index] ??= [];
        var key = KeyOf(exchange, known.Count < MostSeries);
        if (!known.TryGetValue(key, out var series)) known[key] = series = new RequestSeries(worker, _stats, _overrides, new MetricLabels(key, _reporter, _self, key.Dynamic));
        series.Count(info.End - info.Start, info.BytesReceived + exchange.Request.ByteSize, info.BytesSent + exchange.Response.ByteSize);
        if (key.IsGrpc && info.FilterState.Find(GrpcStats.GrpcCounts.Key) is GrpcStats.GrpcCounts counts) series.CountMessages(counts.Requests, counts.Responses);
        if (_overrides.Custom.Length > 0) _overrides.CountCustom(worker, _stats, exchange.Format, key.Dynamic);
    }

    private MetricKey KeyOf(HttpExchange exchange, bool mayGrow)
    {
        var info = exchange.Info;
        var cluster = info.Cluster.Length > 0 ? exchange.Context.Clusters.Current.Find(info.Cluster)?.Snapshot : null;
        var isServer = _reporter != MetricReporter.Source;
        var tls = isServer ? info.DownstreamTls : info.UpstreamTls;
        var isGrpc = exchange.Request[KnownHeader.ContentType].StartsWith("application/grpc"u8);
        var peer = info.FilterState.Find(isServer ? WorkloadFacts.DownstreamKey : WorkloadFacts.UpstreamKey) as WorkloadFacts;
        return new MetricKey(
            cluster, peer, !isServer && peer is null ? info.UpstreamHost?.IstioWorkload : null, FirstUri(tls?.Peer), FirstUri(tls?.Local),
            _usesHost && mayGrow && HasNoService(cluster) ? HostOf(exchange) : null,
            info.RouteName is "block_all" or "allow_any" ? info.RouteName : null, info.Status, info.Flags, isGrpc,
            isGrpc ? GrpcStatus.Of(exchange.ResponseTrailers, exchange.Response) : -1, _overrides.Evaluate(exchange.Format));
    }

    private static string? FirstUri(Tls.CertificateFacts? certificate) => certificate is { UriNames: [var first, ..] } ? first : null;

    private static bool HasNoService(ClusterSnapshot? cluster) => cluster?.IstioMetadata?.Fields.ContainsKey("services") != true;

    /// <summary>The Host header as text; the same string for the same bytes.</summary>
    private string? HostOf(HttpExchange exchange)
    {
        if (!exchange.Request.TryGet(KnownHeader.Authority, out var host)) return null;
        var known = _hosts[exchange.Worker.Index] ??= [];
        var hash = Upstream.Balancers.Hashing.Of(host);
        if (known.TryGetValue(hash, out var text) && text.Length == host.Length) return text;
        if (known.Count >= MostSeries) known.Clear();
        return known[hash] = Encoding.UTF8.GetString(host);
    }
}

/// <summary>All that decides the labels of a request; the last are the values that the configuration computes, in one string.</summary>
internal readonly record struct MetricKey(
    ClusterSnapshot? Cluster, WorkloadFacts? Peer, string? Endpoint, string? PeerPrincipal, string? LocalPrincipal, string? Host, string? Route, int Status, ResponseFlags Flags, bool IsGrpc,
    int GrpcStatus, string? Dynamic)
{
    // The generated methods would hash a peer's facts field by field: the same object is the same peer.
    public bool Equals(MetricKey other) =>
        ReferenceEquals(Cluster, other.Cluster) && ReferenceEquals(Peer, other.Peer) && Endpoint == other.Endpoint && PeerPrincipal == other.PeerPrincipal && LocalPrincipal == other.LocalPrincipal
        && Host == other.Host && Route == other.Route && Status == other.Status && Flags == other.Flags && IsGrpc == other.IsGrpc && GrpcStatus == other.GrpcStatus && Dynamic == other.Dynamic;

    public override int GetHashCode() => HashCode.Combine(
        System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Cluster), Peer is null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Peer), Endpoint, PeerPrincipal, Host, Status, Flags, Dynamic);
}

/// <summary>The cells of one set of labels on one worker. Owned by the worker.</summary>
internal sealed class RequestSeries
{
    private readonly LabeledCell? _requests, _duration, _received, _sent, _requestMessages, _responseMessages;

    public RequestSeries(Worker worker, StatsStore stats, MetricOverrides overrides, MetricLabels labels)
    {
        LabeledCell? Cell(string metric, StatKind kind) => overrides.IsDropped(metric) ? null : stats.Labeled.Cell(worker, "istio_" + metric, kind, overrides.Write(metric, labels));
        _requests = Cell("requests_total", StatKind.Counter);
        _duration = Cell("request_duration_milliseconds", StatKind.Histogram);
        _received = Cell("request_bytes", StatKind.Histogram);
        _sent = Cell("response_bytes", StatKind.Histogram);
        if (!labels.IsGrpc) return;
        _requestMessages = Cell("request_messages_total", StatKind.Counter);
        _responseMessages = Cell("response_messages_total", StatKind.Counter);
    }

    public void Count(long milliseconds, long received, long sent)
    {
        _requests?.Add(1);
        _duration?.Observe(milliseconds);
        _received?.Observe(received);
        _sent?.Observe(sent);
    }

    public void CountMessages(long requests, long responses)
    {
        _requestMessages?.Add(requests);
        _responseMessages?.Add(responses);
    }
}
