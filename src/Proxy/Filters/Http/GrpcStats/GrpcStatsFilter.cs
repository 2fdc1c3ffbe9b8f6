using System.Globalization;
using System.Text;
using Envoy.Extensions.Filters.Http.GrpcStats.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Http.GrpcStats;

/// <summary>
/// Counts gRPC calls and their messages for each cluster, by method where asked, and lets other filters see the counts.
/// Immutable. Source: Envoy's "gRPC Statistics".
/// </summary>
internal sealed class GrpcStatsFilter : IHttpFilter
{
    private const int Total = 0, Success = 1, Failure = 2, RequestMessages = 3, ResponseMessages = 4, FirstStatus = 5, Statuses = 17;

    private static readonly StatField[] Fields =
    [
        new("total"), new("success"), new("failure"), new("request_message_count"), new("response_message_count"),
        .. Enumerable.Range(0, Statuses).Select(status => new StatField(status.ToString(CultureInfo.InvariantCulture))),
    ];

    private readonly StatsStore _stats;
    private readonly bool _emitsState, _allMethods, _replacesDots;
    private readonly HashSet<string> _methods = new(StringComparer.Ordinal);

    private GrpcStatsFilter(FilterConfig config, string path, FilterContext context)
    {
        if (config.EnableUpstreamStats) throw new ConfigRefusedException(path + ".enable_upstream_stats", "is not supported");
        _stats = context.Stats;
        _emitsState = config.EmitFilterState;
        _allMethods = config.PerMethodStatSpecifierCase == FilterConfig.PerMethodStatSpecifierOneofCase.StatsForAllMethods && config.StatsForAllMethods is true;
        _replacesDots = config.ReplaceDotsInGrpcServiceName;
        foreach (var service in config.IndividualMethodStatsAllowlist?.Services ?? [])
            foreach (var method in service.MethodNames)
                _methods.Add($"/{service.Name}/{method}");
    }

    public static GrpcStatsFilter Compile(FilterConfig config, string path, FilterContext context) => new(config, path, context);

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (exchange.Request[KnownHeader.ContentType].StartsWith("application/grpc"u8))
        {
            exchange.Messages = new GrpcCounts();
            if (_emitsState) exchange.Info.FilterState.Set(GrpcCounts.Key, exchange.Messages);
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
    }

    public void OnEnd(HttpExchange exchange)
    {
        if (exchange.Messages is not { } counts || exchange.Info.Cluster.Length == 0 || exchange.Context.Clusters.Current.Find(exchange.Info.Cluster) is not { } cluster) return;
        var (worker, status) = (exchange.Worker, GrpcStatus.Of(exchange.ResponseTrailers, exchange.Response));
        var group = _stats.Group($"cluster.{cluster.Snapshot.StatName}.grpc.{Method(exchange.Request[KnownHeader.Path])}", static (prefix, workers) => new StatGroup(prefix, Fields, workers));
        group.Add(worker, Total);
        group.Add(worker, status == 0 ? Success : Failure);
        if (status is >= 0 and < Statuses) group.Add(worker, FirstStatus + status);
        group.Add(worker, RequestMessages, counts.Requests);
        group.Add(worker, ResponseMessages, counts.Responses);
    }

    /// <summary>"service.method." when that method is counted by itself.</summary>
    private string Method(ReadOnlySpan<byte> path)
    {
        if (!_allMethods && _methods.Count == 0) return "";
        var text = Encoding.UTF8.GetString(path);
        if (!_allMethods && !_methods.Contains(text) || text.Split('/') is not ["", var service, var method]) return "";
        return $"{(_replacesDots ? service.Replace('.', '_') : service)}.{method}.";
    }
}
