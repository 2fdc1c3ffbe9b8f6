using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking;

/// <summary>
/// Everything about a proxy, beyond what its scope shows, that can decide resources which it shares with others. Equal for
/// proxies that get equal resources: the whole identity of a proxy in cache keys. Selected says which of the selectors in
/// the scope cover the proxy's labels, Filters which optional filters it has; LabelKey is the labels themselves where a rule
/// compares them with those of endpoints, else empty; Telemetry who logs and traces its requests. Immutable.
/// </summary>
internal sealed record ClientFacets(
    ProxyKind Kind, string DnsDomain, string ClusterId, string Network, Locality Locality, InterceptionMode Interception, bool AcceptsHttp10, bool IsGrpc,
    string Selected, FilterSupport Filters, string LabelKey, WorkloadTelemetry Telemetry)
{
    public static ClientFacets Of(ProxyNode node, SidecarScope scope, WorkloadTelemetry telemetry) => new(
        node.Kind, node.DnsDomain, node.ClusterId, node.Network, node.Locality, node.Interception, node.AcceptsHttp10, node.IsGrpc,
        scope.SelectedBy(node.Labels), FilterSupports.Of(node), scope.ComparesLabels ? node.LabelKey : "", telemetry);
}

/// <summary>Filters that not every proxy has.</summary>
[Flags]
internal enum FilterSupport
{
    None = 0,
    GrpcStats = 1,
    GrpcWeb = 2,
    Mongo = 4,
    UuidRequestId = 8,
}

internal static class FilterSupports
{
    public static FilterSupport Of(ProxyNode node)
    {
        var support = FilterSupport.None;
        if (node.HasExtension("envoy.filters.http.grpc_stats")) support |= FilterSupport.GrpcStats;
        if (node.HasExtension("envoy.filters.http.grpc_web")) support |= FilterSupport.GrpcWeb;
        if (node.HasExtension("envoy.filters.network.mongo_proxy")) support |= FilterSupport.Mongo;
        if (node.HasExtension("envoy.request_id.uuid")) support |= FilterSupport.UuidRequestId;
        return support;
    }
}
