using Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Filters.Http.Alpn;

/// <summary>
/// Chooses the protocols that TLS to the upstream offers, by what the cluster speaks: Istio's servers tell by them that the
/// client is a proxy of the mesh. Immutable. Source: Istio's proxy, source/extensions/filters/http/alpn.
/// </summary>
internal sealed class AlpnFilter : IHttpFilter
{
    /// <summary>Filter state under which the list of protocols is kept.</summary>
    public const string Key = "envoy.network.application_protocols";

    private readonly string[]? _http1, _http2;

    private AlpnFilter(string[]? http1, string[]? http2) => (_http1, _http2) = (http1, http2);

    public static AlpnFilter Compile(FilterConfig config, string path, FilterContext context)
    {
        string[]? Of(FilterConfig.Types.Protocol protocol) => config.AlpnOverride.FirstOrDefault(entry => entry.UpstreamProtocol == protocol)?.AlpnOverride_.ToArray();
        return new AlpnFilter(Of(FilterConfig.Types.Protocol.Http11), Of(FilterConfig.Types.Protocol.Http2));
    }

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (exchange.ClusterName is { } name && exchange.Context.Clusters.Current.Find(name) is { } cluster && (IsHttp2(cluster, exchange) ? _http2 : _http1) is { } protocols)
            exchange.Info.FilterState.Set(Key, protocols);
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    private static bool IsHttp2(ClusterState cluster, HttpExchange exchange) =>
        cluster.Snapshot.Protocol == UpstreamProtocol.Http2 || cluster.Snapshot.Protocol == UpstreamProtocol.Downstream && exchange.Downstream.IsMultiplexed;

    public void OnResponse(HttpExchange exchange)
    {
    }
}
